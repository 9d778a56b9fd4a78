"""Input fields generated from a configuration.

A setting is named in one place, `fsh_core.config`.
"""

from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from fsh_core.config import SegmentConfig


class ConfigForm(QWidget):
    """One labelled field for every setting of a configuration class.

    ``changed`` carries the name of the setting.
    """

    changed = Signal(str)

    def __init__(
        self, config: type[BaseModel], names: list[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.fields: dict[str, QWidget] = {}
        for name in names:
            info = config.model_fields[name]
            field = _field(info)
            field.setAccessibleName(title_of(name))
            field.setToolTip(info.description or "")
            _signal(field).connect(lambda *_, name=name: self.changed.emit(name))
            layout.addRow(title_of(name), field)
            self.fields[name] = field

    def values(self) -> dict[str, Any]:
        """Return what the fields say, by setting."""
        return {name: _value(field) for name, field in self.fields.items()}

    def set_value(self, name: str, value: Any) -> None:
        """Fill one field."""
        field = self.fields[name]
        if isinstance(field, QCheckBox):
            field.setChecked(bool(value))
        elif isinstance(field, QComboBox):
            field.setCurrentText(str(value))
        elif isinstance(field, QLineEdit):
            field.setText(", ".join(str(number) for number in value))
        else:
            field.setValue(value)


def title_of(name: str) -> str:
    """Return what a setting is called on the screen.

    ``minimum_volume_mm3`` is ``Minimum volume (mm³)``.
    """
    words = name.split("_")
    unit = {"mm3": " (mm³)", "mm": " (mm)", "ml": " (ml)"}.get(words[-1], "")
    text = " ".join(words[:-1] if unit else words) + unit
    return text[:1].upper() + text[1:]


def config_from(*forms: ConfigForm) -> SegmentConfig:
    """Build the settings from fields.

    Raises
    ------
    InputError
        If a value cannot be used.
    """
    values = {name: value for form in forms for name, value in form.values().items()}
    return SegmentConfig.from_options(**values)


def _field(info: FieldInfo) -> QWidget:
    """Make the field that fits a setting's type and limits."""
    kind, default = info.annotation, info.default
    if kind is bool:
        check = QCheckBox()
        check.setChecked(default)
        return check
    if kind is int or kind is float:
        spin = QSpinBox() if kind is int else QDoubleSpinBox()
        low, high = _limits(info, 1 if kind is int else 0.01)
        spin.setRange(low, high)
        spin.setSingleStep(1 if kind is int else 0.01 if high <= 1 else 0.5)
        spin.setKeyboardTracking(False)
        spin.setValue(default)
        return spin
    if get_origin(kind) is tuple:
        return QLineEdit(", ".join(str(number) for number in default))
    box = QComboBox()
    box.addItems([str(choice) for choice in get_args(kind)])
    box.setCurrentText(str(default))
    return box


def _limits(info: FieldInfo, step: Any) -> tuple[Any, Any]:
    """Read the limits of a number; an open end is one step inside."""
    low, high = step * 0, 100_000 + step * 0
    for limit in info.metadata:
        for sign, name in ((0, "ge"), (step, "gt")):
            if getattr(limit, name, None) is not None:
                low = type(step)(getattr(limit, name)) + sign
        for sign, name in ((0, "le"), (step, "lt")):
            if getattr(limit, name, None) is not None:
                high = type(step)(getattr(limit, name)) - sign
    return low, high


def _value(field: QWidget) -> Any:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QComboBox):
        return field.currentText()
    if isinstance(field, QLineEdit):
        return tuple(part.strip() for part in field.text().split(","))
    return field.value()


def _signal(field: QWidget) -> Any:
    if isinstance(field, QCheckBox):
        return field.toggled
    if isinstance(field, QComboBox):
        return field.currentTextChanged
    return field.editingFinished if isinstance(field, QLineEdit) else field.valueChanged
