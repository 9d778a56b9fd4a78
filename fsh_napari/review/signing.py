"""Signing a case of a trial: the reader is asked first, since it is closed from then on."""

from fsh_core.review.trial.sign import check_may_sign, sign_readings
from fsh_napari.review.interfaces import CaseUnderReview, View


class Signing:
    """How a completed case is signed.

    Parameters
    ----------
    view : View
        Asks the reader.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._asked = "", 0  # about which case, and at which event

    def sign(self, case: CaseUnderReview) -> None:
        """Ask, and sign when it is wanted once more.

        Raises
        ------
        InputError
            If it cannot be signed.
        """
        review = case.review
        asked = case.name, len(review.journal.events)
        if self._asked != asked:
            check_may_sign(case.stored, review, review.reader)
            self._asked = asked
            self.view.show_message(
                f"⚠ {review.reader} signs {case.name}: nothing of it can be changed any more. "
                "The same once more signs it."
            )
            return
        sign_readings([case.stored], review.reader)
        self._asked = "", 0
        self.view.show_message(f"{case.name} is signed by {review.reader}.")
