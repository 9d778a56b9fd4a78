"""Pictures: what is drawn is on the right side, in the right size, and the same every time."""

import errno
import os
import struct

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fsh_core.errors import InputError
from fsh_core.figures import all_slices, close_ups, curves, glance, save_figure, to_png, triptych
from fsh_core.figures.panel import format_mm
from fsh_core.figures.style import PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.volume.volume import Volume, from_ras, to_ras

PNG_CHUNKS = {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def texts(figure):
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    return inside + [text.get_text() for text in figure.texts]


def panels(figure):
    return [axes for axes in figure.axes if axes.get_facecolor()[:3] == (0, 0, 0)]


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def coloured(figure, axes, colour):
    """Where a panel shows an outline's colour, in mm of the panel: right and up are positive."""
    image = pixels(figure)
    height, width = image.shape[:2]
    box = axes.get_position()
    inside = image[round((1 - box.y1) * height) : round((1 - box.y0) * height)]
    inside = inside[:, round(box.x0 * width) : round(box.x1 * width)]
    near = np.abs(inside - 255 * np.array(to_rgb(colour))).max(axis=-1) < 12
    rows, columns = np.nonzero(near)
    (left, right), (lower, upper) = axes.get_xlim(), axes.get_ylim()
    x = left + (columns + 0.5) / near.shape[1] * (right - left)
    y = upper - (rows + 0.5) / near.shape[0] * (upper - lower)
    return x, y


def only_largest(phantom):
    """The 6 x 6 x 5 mm lesion alone: voxels 12-17, 24-29, 9-10 of LAS, the patient's right."""
    lesion = np.zeros_like(phantom.reference)
    lesion[12:18, 24:30, 9:11] = True
    return lesion


class TestTriptych:
    @pytest.mark.parametrize(
        ("given", "headings"),
        [
            ((), ["FLAIR", "F.sh"]),
            (("reference",), ["FLAIR", "Reference", "F.sh"]),
            (("probability",), ["FLAIR", "F.sh", "Probability"]),
            (("reference", "probability"), ["FLAIR", "Reference", "F.sh", "Probability"]),
        ],
    )
    def test_columns(self, phantom, given, headings):
        maps = {"reference": phantom.reference, "probability": phantom.reference.astype(np.float32)}
        figure = triptych(phantom.flair, phantom.reference, **{name: maps[name] for name in given})
        assert [
            text for text in texts(figure) if text in ("FLAIR", "Reference", "F.sh", "Probability")
        ] == headings
        assert len(panels(figure)) == 3 * len(headings)

    def test_rows_are_named_and_the_convention_is_stated(self, phantom):
        written = texts(triptych(phantom.flair, phantom.reference, title="sub-01 $x$"))
        assert {"Axial", "Coronal", "Sagittal", "sub-01 $x$"} <= set(written)
        assert any("the patient's right (R) is on the left" in text for text in written)

    def test_letters_stand_on_the_right_edges(self, phantom):
        axial, coronal, sagittal = panels(triptych(phantom.flair, phantom.reference))[::2]
        for axes, (left, right, lower, upper) in (
            (axial, "RLPA"),
            (coronal, "RLIS"),
            (sagittal, "APIS"),
        ):
            at = {text.get_text(): text.get_position() for text in axes.texts}
            assert at[left][0] < 0 < at[right][0]
            assert at[lower][1] < 0 < at[upper][1]

    def test_a_lesion_on_the_patients_right_is_drawn_on_the_left(self, phantom):
        figure = triptych(phantom.flair, only_largest(phantom), brain=phantom.brain)
        axial = panels(figure)[1]
        x, y = coloured(figure, axial, PREDICTION_COLOUR)
        # The grid's middle is x = 0.5 and the lesion spans x = 6.5 to 12.5 mm right of it, y about
        # the middle.
        assert (x.min(), x.max()) == pytest.approx((-12, -6), abs=0.6)
        assert (y.min(), y.max()) == pytest.approx((-4, 2), abs=0.6)

    def test_a_lesion_has_its_true_size_in_anisotropic_planes(self, phantom):
        figure = triptych(phantom.flair, only_largest(phantom), brain=phantom.brain)
        for axes, size_mm in zip(panels(figure)[1::2], ((6, 6), (6, 5), (6, 5)), strict=True):
            x, y = coloured(figure, axes, PREDICTION_COLOUR)
            assert (np.ptp(x), np.ptp(y)) == pytest.approx(size_mm, abs=0.7)
            box, (width, height) = axes.get_position(), figure.get_size_inches()
            scales = (
                box.width * width / np.ptp(axes.get_xlim()),
                box.height * height / np.ptp(axes.get_ylim()),
            )
            assert scales[0] == pytest.approx(scales[1])

    def test_reference_and_prediction_have_their_own_columns_and_colours(self, phantom):
        figure = triptych(
            phantom.flair, only_largest(phantom), phantom.reference, brain=phantom.brain
        )
        _, reference, prediction = panels(figure)[:3]
        assert len(coloured(figure, reference, REFERENCE_COLOUR)[0]) > 50
        assert len(coloured(figure, prediction, PREDICTION_COLOUR)[0]) > 50
        assert len(coloured(figure, reference, PREDICTION_COLOUR)[0]) == 0
        assert len(coloured(figure, prediction, REFERENCE_COLOUR)[0]) == 0

    def test_slices_go_through_the_lesion_and_say_where(self, phantom):
        figure = triptych(phantom.flair, only_largest(phantom), brain=phantom.brain)
        written = texts(figure)
        # The first of equally full slices, counted in RAS: k = 9, j = 24, and i = 17 of the LAS
        # file, at x = 24 - 17.
        assert {"z = \N{MINUS SIGN}2 mm", "y = \N{MINUS SIGN}4 mm", "x = +7 mm"} <= set(written)

    def test_without_prediction_the_reference_leads(self, phantom):
        nothing = np.zeros_like(phantom.reference)
        assert "x = +7 mm" in texts(triptych(phantom.flair, nothing, only_largest(phantom)))

    def test_without_any_lesion_the_middle_is_drawn(self, phantom):
        nothing = np.zeros_like(phantom.reference)
        figure = triptych(phantom.flair, nothing, brain=phantom.brain)
        assert len(coloured(figure, panels(figure)[1], PREDICTION_COLOUR)[0]) == 0

    def test_probability_is_transparent_where_it_is_zero(self, phantom):
        probability = only_largest(phantom).astype(np.float32)
        figure = triptych(
            phantom.flair, only_largest(phantom), probability=probability, brain=phantom.brain
        )
        coloured_image = panels(figure)[2].images[1].get_array()
        assert coloured_image[..., 3].max() == pytest.approx(0.85)
        assert np.count_nonzero(coloured_image[..., 3]) == 36

    def test_the_order_of_the_file_does_not_matter(self, phantom):
        upright = to_ras(phantom.flair)
        lesion, brain = (
            to_ras(phantom.flair.with_data(mask)).data
            for mask in (phantom.reference, phantom.brain)
        )
        assert to_png(triptych(phantom.flair, phantom.reference, brain=phantom.brain)) == to_png(
            triptych(Volume(upright.data, upright.affine), lesion, brain=brain)
        )
        np.testing.assert_array_equal(from_ras(lesion, phantom.flair), phantom.reference)

    def test_a_lesion_at_the_border_of_the_image_is_closed(self, phantom):
        lesion = np.zeros_like(phantom.reference)
        lesion[:6, 24:30, 9:11] = True
        figure = triptych(phantom.flair, lesion, brain=phantom.brain)
        x, y = coloured(figure, panels(figure)[1], PREDICTION_COLOUR)
        assert np.ptp(x) == pytest.approx(6, abs=0.7)
        side = y[
            x < x.min() + 0.4
        ]  # on the border of the image: a whole side, not just two corners
        assert np.abs(side - (side.min() + side.max()) / 2).min() < 0.5

    def test_a_long_title_is_cut(self, phantom):
        figure = triptych(phantom.flair, phantom.reference, title="a" * 300)
        title = next(text for text in texts(figure) if text.startswith("aaa"))
        assert title.endswith("…")
        assert len(title) < 100

    def test_nothing_is_cut_off(self, phantom):
        figure = triptych(phantom.flair, phantom.reference, phantom.reference, title="sub-01")
        image = pixels(figure)
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 255).all()


class TestGlance:
    def test_three_planes_and_the_probability_over_the_width_of_a_page(self, phantom):
        probability = only_largest(phantom).astype(np.float32)
        figure = glance(phantom.flair, only_largest(phantom), probability, brain=phantom.brain)
        assert [
            text
            for text in texts(figure)
            if text in ("Axial", "Coronal", "Sagittal", "Probability")
        ] == [
            "Axial",
            "Coronal",
            "Sagittal",
            "Probability",
        ]
        assert len(panels(figure)) == 4
        assert figure.get_size_inches()[0] == pytest.approx(7.2, abs=0.01)
        assert {"0", "1", "F.sh"} <= set(texts(figure))
        assert "Reference" not in texts(figure)

    def test_a_lesion_on_the_patients_right_is_outlined_on_the_left_and_not_filled(self, phantom):
        lesion = only_largest(phantom)
        figure = glance(phantom.flair, lesion, lesion.astype(np.float32), brain=phantom.brain)
        x, y = coloured(figure, panels(figure)[0], PREDICTION_COLOUR)
        assert (x.min(), x.max()) == pytest.approx((-12, -6), abs=0.6)
        assert (y.min(), y.max()) == pytest.approx((-4, 2), abs=0.6)
        assert not ((np.abs(x + 9) < 1.5) & (np.abs(y + 1) < 1.5)).any()

    def test_reference_and_prediction_share_the_planes_and_have_a_key(self, phantom):
        moved = np.roll(phantom.reference, 10, axis=1)
        figure = glance(
            phantom.flair,
            only_largest(phantom),
            np.zeros(moved.shape, np.float32),
            moved,
            phantom.brain,
        )
        axial = panels(figure)[0]
        assert len(coloured(figure, axial, PREDICTION_COLOUR)[0]) > 50
        assert len(coloured(figure, axial, REFERENCE_COLOUR)[0]) > 50
        assert {"Reference", "F.sh"} <= set(texts(figure))

    def test_without_any_lesion_the_middle_is_drawn(self, phantom):
        nothing = np.zeros_like(phantom.reference)
        figure = glance(phantom.flair, nothing, nothing.astype(np.float32), brain=phantom.brain)
        assert len(coloured(figure, panels(figure)[0], PREDICTION_COLOUR)[0]) == 0

    def test_nothing_is_cut_off(self, phantom):
        image = pixels(
            glance(
                phantom.flair,
                phantom.reference,
                phantom.reference.astype(np.float32),
                phantom.reference,
            )
        )
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 255).all()


class TestAllSlices:
    def positions(self, figure):
        return [
            int(text.get_text().replace("\N{MINUS SIGN}", "-")) for text in figure.axes[0].texts
        ]

    def test_every_slice_of_the_brain_that_is_apart_enough_goes_up_and_says_where(self, phantom):
        area = phantom.brain.sum(axis=(0, 1))
        slices = np.count_nonzero(area > 0.1 * area.max())
        every = self.positions(
            all_slices(phantom.flair, phantom.reference, phantom.brain, every_mm=0)
        )
        assert len(every) == slices
        assert every == sorted(every)
        apart = self.positions(
            all_slices(phantom.flair, phantom.reference, phantom.brain, every_mm=6)
        )
        assert apart == every[::3]  # slices of 2.5 mm

    def test_a_lesion_between_two_drawn_slices_is_outlined(self, phantom):
        slices = np.flatnonzero(
            phantom.brain.sum(axis=(0, 1)) > 0.1 * phantom.brain.sum(axis=(0, 1)).max()
        )
        lesion = np.zeros_like(phantom.reference)
        lesion[20:28, 24:32, slices[4]] = True  # the first, the fourth and so on are drawn
        outlined = []
        for mask in (np.zeros_like(lesion), lesion):
            image = pixels(all_slices(phantom.flair, mask, phantom.brain, every_mm=6))
            outlined.append(np.count_nonzero(np.ptp(image, axis=-1) > 60))  # the rest is grey
        assert outlined[0] == 0
        assert outlined[1] > 20

    def test_a_slice_with_a_lesion_outside_the_brain_is_not_left_out(self, phantom):
        lesion = np.zeros_like(phantom.reference)
        plain = self.positions(all_slices(phantom.flair, lesion, phantom.brain, every_mm=0))
        lesion[24, 28, 0] = True
        assert (
            len(self.positions(all_slices(phantom.flair, lesion, phantom.brain, every_mm=0)))
            == len(plain) + 1
        )

    def test_it_is_no_larger_than_its_place_on_the_page(self, phantom):
        for every_mm in (0, 4, 30):
            width, height = all_slices(
                phantom.flair, phantom.reference, phantom.brain, every_mm
            ).get_size_inches()
            assert width <= 7.2 + 1e-6
            assert height <= 2.75 + 1e-6

    def test_without_brain_or_contrast_all_slices_are_shown(self, phantom):
        flat = phantom.flair.with_data(np.ones(phantom.flair.shape, dtype=np.float32))
        assert (
            len(self.positions(all_slices(flat, np.zeros_like(phantom.reference), every_mm=0)))
            == 20
        )


class TestCloseUps:
    def test_a_lesion_is_in_the_middle_of_three_planes_with_its_name(self, phantom):
        figure = close_ups(
            phantom.flair, only_largest(phantom), [("lesion 1", (14, 26, 9))], phantom.brain
        )
        assert len(panels(figure)) == 3
        assert "lesion 1" in texts(figure)
        for axes in panels(figure):
            x, y = coloured(figure, axes, PREDICTION_COLOUR)
            assert abs((x.min() + x.max()) / 2) < 2
            assert abs((y.min() + y.max()) / 2) < 2


class TestCurves:
    @pytest.fixture
    def log(self):
        epochs = np.arange(1, 9)
        columns = {"epoch": epochs}
        for prefix in ("train_", "val_"):
            for name in ("bce", "dice_loss", "loss"):
                columns[prefix + name] = 1 / epochs
            for name in ("accuracy", "sensitivity", "specificity", "precision", "f1", "dice"):
                columns[prefix + name] = 1 - 1 / epochs
        log = pd.DataFrame(columns)
        log.loc[log["epoch"] % 4 != 0, [name for name in log if name.startswith("val_")]] = np.nan
        return log

    def labels(self, figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    def test_losses_and_metrics(self, log):
        losses, metrics = curves(log)
        assert self.labels(losses) == ["BCE", "Dice", "Total", "Training", "Validation"]
        assert self.labels(metrics)[:5] == [
            "Accuracy",
            "Sensitivity",
            "Specificity",
            "Precision",
            "Dice (= F1)",
        ]

    def test_training_is_solid_and_validation_dashed(self, log):
        losses, _ = curves(log)
        assert [line.get_linestyle() for line in losses.axes[0].lines] == ["-", "--"] * 3

    def test_epochs_without_validation_are_left_out(self, log):
        losses, _ = curves(log)
        assert list(losses.axes[0].lines[0].get_xdata()) == list(range(1, 9))
        assert list(losses.axes[0].lines[1].get_xdata()) == [4, 8]

    def test_a_training_that_was_never_validated(self, log):
        losses, metrics = curves(log[[name for name in log if not name.startswith("val_")]])
        assert len(to_png(losses)) > 1000
        assert len(to_png(metrics)) > 1000

    def test_a_single_epoch_is_visible(self, log):
        losses, _ = curves(log.head(1))
        assert losses.axes[0].lines[0].get_marker() == "o"

    def test_an_empty_log(self):
        losses, _ = curves(pd.DataFrame())
        assert self.labels(losses) == ["Training", "Validation"]
        assert len(to_png(losses)) > 1000

    def test_values_that_are_none(self):
        log = pd.DataFrame({"epoch": [1, 2], "val_loss": pd.Series([None, 0.5], dtype=object)})
        losses, _ = curves(log)
        assert list(losses.axes[0].lines[-1].get_ydata()) == [0.5]


class TestPng:
    def chunks(self, payload):
        names, at = [], 8
        while at < len(payload):
            length = struct.unpack(">I", payload[at : at + 4])[0]
            names.append(payload[at + 4 : at + 8])
            at += 12 + length
        return set(names)

    def test_the_same_figure_gives_the_same_bytes(self, phantom):
        first, second = (
            to_png(triptych(phantom.flair, phantom.reference, title="sub-01")) for _ in range(2)
        )
        assert first == second

    def test_no_date_and_no_software_is_stored(self):
        assert self.chunks(to_png(Figure())) <= PNG_CHUNKS

    def test_saving(self, tmp_path):
        figure = Figure()
        save_figure(figure, tmp_path / "figures" / "a.png")
        assert (tmp_path / "figures" / "a.png").read_bytes() == to_png(figure)

    def test_full_disk_leaves_nothing(self, tmp_path, monkeypatch):
        def fsync(handle):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(InputError, match=r"a\.png: cannot be written"):
            save_figure(Figure(), tmp_path / "a.png")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "text"), [(0.4, "0"), (-0.4, "0"), (24.2, "+24"), (-7.0, "\N{MINUS SIGN}7")]
)
def test_coordinates_carry_their_sign(value, text):
    assert format_mm(value) == text
