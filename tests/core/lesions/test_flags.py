"""What a lesion may be instead: every flag against a drawn brain of 1 x 1.5 x 2 mm voxels."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from fsh_core.anatomy.template import Tissue
from fsh_core.lesions.flags import FLAG_COLUMN, FLAGS, lesion_flags
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import lesion_table
from fsh_core.volume.volume import Volume

SHAPE = (84, 70, 50)
SPACING_MM = (1.0, 1.5, 2.0)
AFFINE = np.array([[-1.0, 0, 0, 41.5], [0, 1.5, 0, -50], [0, 0, 2.0, -50], [0, 0, 0, 1]])
THICK = np.diag([0.9, 0.9, 7.0, 1.0])
BRAIN = np.s_[4:80, 4:66, 4:46]

# Lesions by their boxes. The midline lies between i = 41 and 42.
PLEXUS = np.s_[32:36, 30:34, 24:27]
SEPTUM = np.s_[41:43, 28:40, 24:28]
CALLOSUM = np.s_[40:44, 28:40, 32:35]
LINING = np.s_[29:32, 30:36, 24:27]
WHITE = np.s_[15:19, 30:33, 30:32]
CEREBELLUM = np.s_[30:33, 30:32, 9:11]
LINE = np.s_[15:16, 30:42, 36:37]
SHEET = np.s_[4:6, 20:30, 20:26]


def drawing():
    """White matter with two lateral ventricles 6 mm apart, a third, deep grey, cerebellum."""
    brain = np.zeros(SHAPE, dtype=bool)
    brain[BRAIN] = True
    tissue = np.where(brain, Tissue.WHITE_MATTER, Tissue.OTHER).astype(np.uint8)
    tissue[BRAIN[0], BRAIN[1], 4:14] = Tissue.INFRATENTORIAL
    tissue[28:56, 25:45, 15:21] = Tissue.DEEP_GREY
    tissue[40:44, 28:42, 15:21] = Tissue.VENTRICLE
    tissue[32:39, 20:50, 22:31] = tissue[45:52, 20:50, 22:31] = Tissue.VENTRICLE
    data = np.where(brain, np.float32(100), np.float32(0))
    data[tissue == Tissue.VENTRICLE] = 20
    data[BRAIN[0], 36:38, 4:14] = 20  # a fissure of the cerebellum
    return data, brain, tissue


def flags_of(
    *boxes, brightness=150.0, affine=AFFINE, with_anatomy=True, brain=None, dark_ventricles=False
):
    """The flags of lesions drawn as boxes of voxels, the largest first."""
    data, whole, tissue = drawing()
    lesions = np.zeros(SHAPE, dtype=bool)
    for box in boxes:
        lesions[box] = True
    data[lesions] = brightness
    if dark_ventricles:
        tissue[lesions & (tissue == Tissue.VENTRICLE)] = Tissue.WHITE_MATTER
    flair = Volume(data, affine)
    labels = label_lesions(lesions, flair.voxel_volume_mm3)
    brain = whole if brain is None else brain
    table = lesion_table(labels, flair, lesions.astype(np.float32), brain)
    anatomy = SimpleNamespace(tissue=tissue, found=True) if with_anatomy else None
    return lesion_flags(labels, table, flair, brain, anatomy).tolist()


def test_every_flag_has_a_sentence_and_the_column_names_them_all():
    assert all(sentence.endswith(".") for sentence in FLAGS.values())
    assert all(key in FLAG_COLUMN for key in FLAGS)


def test_a_lesion_of_white_matter_has_no_flag():
    assert flags_of(WHITE) == [""]


def test_choroid_plexus_is_small_and_inside_a_ventricle():
    assert flags_of(PLEXUS) == ["choroid_plexus"]  # 4 x 4 x 3 voxels of 3 mm3
    assert flags_of(LINING) == [""]  # 3 mm thick, from the ventricle's wall outwards
    assert flags_of(np.s_[31:33, 30:34, 24:27]) == ["choroid_plexus"]  # one half inside
    assert flags_of(np.s_[32:38, 30:36, 24:28]) == ["choroid_plexus"]  # 432 mm3
    assert flags_of(np.s_[32:38, 30:37, 24:28]) == [""]  # 504 mm3


def test_choroid_plexus_is_found_where_only_the_dark_fluid_counts_as_ventricle():
    assert flags_of(PLEXUS, dark_ventricles=True) == ["choroid_plexus"]
    assert flags_of(LINING, dark_ventricles=True) == [""]
    assert flags_of(SEPTUM, dark_ventricles=True) == ["septum"]


def turned(degrees):
    """The drawing in a head that looks to the side."""
    angle = np.deg2rad(degrees)
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return rotation @ AFFINE


@pytest.mark.parametrize("degrees", [0, 15, -30])
def test_septum_is_thin_and_between_the_ventricles(degrees):
    assert flags_of(SEPTUM, affine=turned(degrees)) == ["septum"]
    assert flags_of(CALLOSUM, affine=turned(degrees)) == [""]
    assert flags_of(np.s_[40:44, 52:60, 24:28], affine=turned(degrees)) == [
        ""
    ]  # in front of the ventricles


def test_a_lesion_that_fills_the_gap_between_the_ventricles_is_no_septum():
    assert flags_of(np.s_[38:46, 28:40, 24:28]) == [""]  # 8 mm wide


def test_pulsation_is_faint_and_beside_fluid_below_or_in_the_midline():
    beside_fissure = np.s_[30:33, 38:40, 9:11]
    assert flags_of(beside_fissure, brightness=110) == ["csf_pulsation"]
    assert flags_of(beside_fissure, brightness=140) == [""]
    assert flags_of(CEREBELLUM, brightness=110) == ["faint"]  # 6 mm from the fissure
    third = np.s_[38:40, 30:40, 16:19]  # between the third ventricle and the deep grey matter
    assert flags_of(third, brightness=110) == ["csf_pulsation"]
    assert flags_of(third, brightness=140) == [""]


def test_faint_is_less_than_a_fifth_brighter_than_its_surroundings():
    assert flags_of(WHITE, brightness=119) == ["faint"]
    assert flags_of(WHITE, brightness=121) == [""]


def test_a_vessel_is_small_thin_and_long():
    assert flags_of(LINE) == ["vessel"]  # 12 voxels: 18 mm, 36 mm3
    assert flags_of(np.s_[15:16, 30:33, 36:37]) == ["isolated_tiny"]  # 3 voxels are no line
    assert flags_of(np.s_[12:20, 30:42, 36:37]) == [""]  # a sheet
    assert flags_of(np.s_[15:16, 30:64, 36:37]) == [""]  # 102 mm3


def test_a_slanting_vessel_is_one_too():
    steps = [np.s_[15 + step : 16 + step, 25 + step : 26 + step, 36:37] for step in range(10)]
    assert flags_of(*steps) == ["vessel"]


@pytest.mark.parametrize(
    "box", [np.s_[20:21, 30:31, 20:21], np.s_[20:22, 30:32, 20:21], np.s_[20:22, 30:32, 20:22]]
)
def test_a_thick_slice_makes_no_vessel(box):
    assert "vessel" not in flags_of(box, affine=THICK, with_anatomy=False)[0]


def test_edge_is_flat_against_the_outside_of_the_brain():
    assert flags_of(SHEET) == ["edge"]  # 2 mm deep
    assert flags_of(np.s_[4:12, 20:30, 20:26]) == [""]  # 8 mm deep
    assert flags_of(np.s_[10:12, 20:30, 20:26]) == [""]  # 6 mm from the edge


def test_a_lesion_outside_the_brain_is_at_its_edge():
    assert flags_of(np.s_[0:2, 20:30, 20:26]) == ["edge"]


def test_the_border_of_the_picture_is_no_edge():
    assert flags_of(np.s_[0:2, 20:30, 20:26], brain=np.ones(SHAPE, dtype=bool)) == [""]


def test_the_lining_of_a_ventricle_that_the_mask_leaves_out_is_no_edge():
    _, whole, tissue = drawing()
    hollow = whole & (tissue != Tissue.VENTRICLE)
    assert flags_of(np.s_[30:32, 28:40, 24:28], brain=hollow) == [""]


@pytest.mark.parametrize(("gap_voxels", "flag"), [(15, ""), (25, "isolated_tiny")])
def test_tiny_counts_only_far_from_other_lesions(gap_voxels, flag):
    first = 15 + gap_voxels  # voxels of 1 mm
    others = np.s_[first : first + 4, 30:33, 36:39]
    assert flags_of(np.s_[15:16, 30:31, 36:37], others) == ["", flag]


def test_ten_cubic_millimetres_are_not_tiny():
    assert flags_of(np.s_[15:18, 30:31, 36:37]) == ["isolated_tiny"]  # 9 mm3
    assert flags_of(np.s_[15:17, 30:32, 36:37]) == [""]  # 12 mm3


def test_a_lesion_of_one_voxel_in_a_thick_slice():
    assert flags_of(np.s_[20:21, 30:31, 20:21], affine=THICK, with_anatomy=False) == [
        "isolated_tiny"
    ]


def test_a_lesion_may_have_several_flags():
    assert flags_of(np.s_[4:5, 30:31, 20:21], brightness=110) == ["edge;faint;isolated_tiny"]


@pytest.mark.parametrize("box", [PLEXUS, SEPTUM])
def test_without_anatomy_its_flags_are_left_out(box):
    assert flags_of(box, with_anatomy=False) == [""]


@pytest.mark.parametrize("anatomy", [None, SimpleNamespace(tissue=None, found=False)])
def test_no_lesions_give_no_rows(anatomy):
    data, brain, _ = drawing()
    flair, labels = Volume(data, AFFINE), np.zeros(SHAPE, dtype=np.int32)
    table = lesion_table(labels, flair, np.zeros(SHAPE, dtype=np.float32), brain)
    flags = lesion_flags(labels, table, flair, brain, anatomy)
    assert len(flags) == 0
    assert flags.name == "flags"
    assert table.assign(flags=flags)["flags"].tolist() == []


def test_an_atlas_without_ventricles_flags_nothing():
    data, brain, _ = drawing()
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[WHITE] = 1
    flair = Volume(data, AFFINE)
    table = pd.DataFrame({"label": [1], "volume_mm3": [72.0], "contrast": [1.5]})
    anatomy = SimpleNamespace(tissue=np.zeros(SHAPE, dtype=np.uint8), found=True)
    assert lesion_flags(labels, table, flair, brain, anatomy).tolist() == [""]


def test_rows_keep_their_index_and_order():
    data, brain, _ = drawing()
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[WHITE], labels[SHEET] = 1, 3
    flair = Volume(data, AFFINE)
    table = pd.DataFrame(
        {"label": [3, 1], "volume_mm3": [360.0, 72.0], "contrast": [1.5, 1.5]}, index=[7, 2]
    )
    assert lesion_flags(labels, table, flair, brain, None).to_dict() == {7: "edge", 2: ""}


def test_what_does_not_belong_together_is_refused():
    data, brain, tissue = drawing()
    flair, labels = Volume(data, AFFINE), np.zeros(SHAPE, dtype=np.int32)
    table = pd.DataFrame({"label": [1], "volume_mm3": [1.0], "contrast": [1.5]})
    with pytest.raises(ValueError, match="lesion 1, which the labels do not have"):
        lesion_flags(labels, table, flair, brain, None)
    with pytest.raises(ValueError, match="brain must have the scan's shape"):
        lesion_flags(labels, table, flair, brain[1:], None)
    with pytest.raises(ValueError, match="tissue must have the scan's shape"):
        lesion_flags(labels, table, flair, brain, SimpleNamespace(tissue=tissue[1:], found=True))


@settings(max_examples=15)
@given(
    corner=st.tuples(st.integers(2, 70), st.integers(2, 55), st.integers(2, 40)),
    size=st.tuples(*[st.sampled_from([1, 2, 3, 12])] * 3),
    brightness=st.sampled_from([110.0, 150.0]),
    codes=st.sampled_from(["RAS", "PIR", "SLA"]),
)
def test_the_order_of_the_files_axes_changes_nothing(corner, size, brightness, codes):
    data, brain, tissue = drawing()
    lesion = tuple(slice(start, start + length) for start, length in zip(corner, size, strict=True))
    data[lesion] = brightness
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[lesion] = 1
    transform = ornt_transform(io_orientation(AFFINE), axcodes2ornt(tuple(codes)))
    flags = []
    for change in (lambda array: array, lambda array: apply_orientation(array, transform)):
        is_changed = change(data).shape != SHAPE or not np.array_equal(change(data), data)
        affine = AFFINE @ inv_ornt_aff(transform, SHAPE) if is_changed else AFFINE
        flair = Volume(change(data), affine)
        table = lesion_table(
            change(labels), flair, np.zeros(flair.shape, dtype=np.float32), change(brain)
        )
        anatomy = SimpleNamespace(tissue=change(tissue), found=True)
        flags.append(lesion_flags(change(labels), table, flair, change(brain), anatomy).tolist())
    assert flags[0] == flags[1]
