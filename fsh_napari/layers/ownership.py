"""Who may change the lesions of a layer: Segment, a review, or the user by hand.

A layer that nobody listens to is locked against brush, eraser and bucket: what is painted there
would be lost.
"""

from typing import Literal

from napari.layers import Labels

Owner = Literal["segment", "review", ""]
_OWNER = "fsh_owner"


def owner_of(layer: Labels) -> Owner:
    """Return who shows its lesions in a layer; empty = it was opened as a file."""
    owner: Owner = layer.metadata.get(_OWNER, "")
    return owner


def give_to_segment(layer: Labels) -> None:
    """Let Segment show what it finds here; lock the layer, as after every new array."""
    layer.metadata[_OWNER] = "segment"
    layer.editable = False


def give_to_review(layer: Labels, can_write: bool) -> None:
    """Let a review keep what is painted here; Segment leaves the layer alone from now on."""
    layer.metadata[_OWNER] = "review"
    layer.editable = can_write


def lock(layer: Labels) -> None:
    """Let nobody paint any more: the review does not listen any longer."""
    layer.editable = False
