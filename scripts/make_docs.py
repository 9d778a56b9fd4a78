"""Make the API reference from the docstrings: python scripts/make_docs.py [OUT] [--no-source]."""

import argparse
import importlib
import pkgutil
import types
import warnings
from pathlib import Path

import pandas as pd
import pdoc
import pdoc.render

PACKAGES = ("fsh_core", "fsh_napari", "fsh_dashboard")
REPOSITORY = Path(__file__).resolve().parent.parent


def show_everything(package: types.ModuleType) -> None:
    """Show pdoc every public name and every submodule of a package, and of the packages in it.

    pdoc looks only into ``__dict__``, where names served by ``__getattr__`` are not; and where
    there is an ``__all__``, it lists only the submodules that stand in it.
    """
    modules = [
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    public = getattr(package, "__all__", None)
    if public is not None:
        for name in public:
            setattr(package, name, getattr(package, name))
        package.__dict__["__all__"] = list(dict.fromkeys([*public, *modules]))
    for name in modules:
        module = importlib.import_module(f"{package.__name__}.{name}")
        if hasattr(module, "__path__"):
            show_everything(module)


def make_docs(out: Path, source: bool = True) -> None:
    """Write one HTML page a module, and an index.

    Parameters
    ----------
    out : Path
        The folder of the pages; made if need be.
    source : bool
        Show the source text beside the docstrings: half of the time.

    Raises
    ------
    UserWarning
        If a module cannot be imported or an annotation cannot be read.
    """
    # "pd.Series[float]" is a type to pandas-stubs only; pdoc evaluates it.
    pd.Series.__class_getitem__ = classmethod(types.GenericAlias)
    for name in PACKAGES:
        show_everything(importlib.import_module(name))
    pdoc.render.configure(docformat="numpy", footer_text="F.sh", show_source=source)
    out.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        # A name in pydantic's own annotations, which only type checkers can import.
        warnings.filterwarnings("ignore", ".*PydanticDataclass", UserWarning)
        pdoc.pdoc(*PACKAGES, output_directory=out)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make the API reference from the docstrings.")
    parser.add_argument("out", nargs="?", type=Path, default=REPOSITORY / "build" / "docs")
    parser.add_argument("--no-source", dest="source", action="store_false", help="docstrings alone")
    words = parser.parse_args()
    out: Path = words.out
    make_docs(out, words.source)
    print(f"{len(list(out.rglob('*.html')))} pages; open {out / 'index.html'}")


if __name__ == "__main__":
    main()
