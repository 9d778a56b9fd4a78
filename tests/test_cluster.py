"""What describes F.sh to schedulers says what the commands are."""

import json
import re

from fsh_core.cli.bids import parser
from scripts.make_boutiques import DESCRIPTOR, descriptor
from tests.conftest import REPOSITORY


def test_the_boutiques_descriptor_is_made_of_the_arguments() -> None:
    assert json.loads(DESCRIPTOR.read_text()) == descriptor()


def test_examples_use_options_that_there_are() -> None:
    known = {word for action in parser()._actions for word in action.option_strings}
    array = (REPOSITORY / "cluster" / "slurm_array.sh").read_text().split("exec fsh-bids")[1]
    babs = (REPOSITORY / "cluster" / "babs.yaml").read_text().split("bids_app_args:")[1]
    babs = babs.split("singularity_args")[0]
    used = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", array + babs)) | set(
        re.findall(r'"(--[a-z-]+)"', babs)
    )
    assert used
    assert used <= known
