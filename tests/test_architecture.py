"""The house stands as drawn: one direction, no screen in the core, torch behind its doors."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("fsh_core", "fsh_napari", "fsh_dashboard")
SCREENS = {"fsh_napari", "fsh_dashboard", "napari", "qtpy", "magicgui", "streamlit", "altair"}
SCREENS |= {"PyQt5", "PyQt6", "PySide2", "PySide6"}

# From the ground up: a file imports only from rooms above its own, or from its own.
ORDER = (
    "errors",
    "files",
    "locks",
    "file_names",
    "strict_json",
    "commit",
    "visible",
    "timings",
    "tables",
    "config",
    "record",
    "cases",
    "sample",
    "volume",
    "preprocess",
    "anatomy",
    "quality",
    "simulation",
    "network",
    "inference",
    "lesions",
    "pipeline",
    "tracking",
    "evaluation",
    "studies",
    "training",
    "derivatives",
    "review",
    "follow_up",
    "figures",
    "report",
    "api",
    "cli",
)

# What Python's library has on Unix alone; many radiologists have Windows.
UNIX_ONLY = {"crypt", "curses", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd"}
UNIX_ONLY |= {"readline", "resource", "spwd", "syslog", "termios", "tty"}
UNIX_ONLY_NAMES = {"os.fork", "os.forkpty", "os.getuid", "os.geteuid", "os.mkfifo", "os.setsid"}
UNIX_ONLY_NAMES |= {"os.killpg", "os.uname", "os.getloadavg", "os.wait", "os.waitpid"}
UNIX_ONLY_NAMES |= {"os.sched_getaffinity", "signal.SIGKILL", "signal.SIGHUP", "signal.alarm"}
# Behind a question whether the system has it.
GUARDED = {("fsh_core/inference/openvino_backend.py", "os.sched_getaffinity")}

# The only files that may load torch; everything else works without it, segmenting on a processor
# too. The commands are imported when they are called, and not before.
TORCH_FILES = (
    "fsh_core/network/losses.py",
    "fsh_core/network/model.py",
    "fsh_core/training/",
    "fsh_core/inference/torch_backend.py",
    "fsh_core/cli/calibrate.py",
    "fsh_core/cli/doctor.py",
    "fsh_core/cli/ensemble.py",
    "fsh_core/cli/train.py",
    "fsh_core/cli/train_data.py",
)


def files_of(*packages: str) -> list[Path]:
    """Every Python file of the packages, relative to the repository."""
    return sorted(
        file.relative_to(REPOSITORY)
        for name in packages
        for file in (REPOSITORY / name).rglob("*.py")
    )


def name_of(file: Path) -> str:
    """The module that a file is."""
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in files_of(*PACKAGES)}


def imports_of(file: Path, *, at_start_only: bool = False) -> Iterator[str]:
    """The full names that a file imports, anywhere in it, or only when it is imported."""
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    package = name_of(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if at_start_only and (isinstance(node, ast.FunctionDef) or _is_type_checking(node)):
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_the_dashboards_data_and_figures_know_no_page() -> None:
    wrong = [
        f"{file} imports {imported}"
        for file in files_of("fsh_dashboard")
        if file.parts[1] in ("data", "figures")
        for imported in imports_of(file)
        if imported.split(".")[0] == "streamlit"
        or (
            imported.startswith("fsh_dashboard")
            and imported.split(".")[1:2] not in (["data"], ["figures"])
        )
    ]
    assert wrong == []


def row_of(module: str) -> int:
    """Where a module of fsh_core stands in the order."""
    inner = module.removeprefix("fsh_core.")
    room = inner.split(".")[0]
    assert room in ORDER, (
        f"{module} has no place in the order of rooms: give it one in {Path(__file__).name}"
    )
    return ORDER.index(room)


def test_the_docstring_of_the_package_lists_the_rooms_in_their_order() -> None:
    import fsh_core

    listed = re.findall(r"^``(\w+)`` ", fsh_core.__doc__ or "", re.MULTILINE)
    rooms = ORDER[ORDER.index("cases") :]  # before it stands what every room stands on
    assert listed == [room for room in rooms if room != "sample"]


def test_a_core_file_imports_only_what_stands_above_it() -> None:
    wrong = [
        f"{module} imports {imported}, which stands below it"
        for module, file in MODULES.items()
        if module.startswith("fsh_core.")
        for imported in imports_of(file)
        if imported.startswith("fsh_core.")
        and imported in MODULES
        and row_of(imported) > row_of(module)
    ]
    assert wrong == []


def test_no_two_files_import_each_other() -> None:
    graph = {
        module: {
            name
            for name in imports_of(file)
            if name in MODULES and name != module and name not in PACKAGES
        }
        for module, file in MODULES.items()
        if module not in PACKAGES
    }
    # A package's __init__ only hands on what its files hold.
    packages = {module for module, file in MODULES.items() if file.name == "__init__.py"}
    for module, imported in graph.items():
        graph[module] = {
            name for name in imported if not (name in packages and module.startswith(name + "."))
        }
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, naming the files


def packages_of(file: Path, *, at_start_only: bool = False) -> set[str]:
    """The packages that a file imports from."""
    return {name.split(".")[0] for name in imports_of(file, at_start_only=at_start_only)}


def test_the_core_knows_no_screen() -> None:
    assert {
        str(file): found for file in files_of("fsh_core") if (found := SCREENS & packages_of(file))
    } == {}


@pytest.mark.parametrize(
    ("face", "other"), [("fsh_napari", "fsh_dashboard"), ("fsh_dashboard", "fsh_napari")]
)
def test_the_faces_do_not_know_each_other(face: str, other: str) -> None:
    assert [str(file) for file in files_of(face) if other in packages_of(file)] == []


def test_monai_is_imported_only_when_it_is_needed() -> None:
    assert [
        str(file)
        for file in files_of(*PACKAGES)
        if "monai" in packages_of(file, at_start_only=True)
    ] == []


def test_nothing_that_only_unix_has_is_imported() -> None:
    assert {
        str(file): found for file in files_of(*PACKAGES) if (found := UNIX_ONLY & packages_of(file))
    } == {}


def test_nothing_that_only_unix_has_is_called() -> None:
    named = {
        (file.as_posix(), ast.unparse(node))
        for file in files_of(*PACKAGES)
        for node in ast.walk(ast.parse((REPOSITORY / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in UNIX_ONLY_NAMES
    }
    assert named == GUARDED


def test_torch_stays_behind_its_doors() -> None:
    outside = [file for file in files_of(*PACKAGES) if not file.as_posix().startswith(TORCH_FILES)]
    assert [str(file) for file in outside if "torch" in packages_of(file)] == []


def test_openvino_has_one_door() -> None:
    """Imported elsewhere it brings its telemetry; see fsh_core/network/quiet_openvino.py."""
    outside = [
        file
        for file in files_of(*PACKAGES)
        if file.as_posix() != "fsh_core/network/quiet_openvino.py"
    ]
    assert [
        str(file) for file in outside if {"openvino", "openvino_telemetry"} & packages_of(file)
    ] == []


def test_whatever_is_imported_is_declared() -> None:
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    imported = {
        (str(file), name) for file in files_of(*PACKAGES) for name in packages_of(file) - known
    }
    owners = importlib.metadata.packages_distributions()
    declared = _declared()
    missing = [
        f"{file} imports {name}, which pyproject.toml does not name"
        for file, name in sorted(imported)
        if not declared & {_normal(owner) for owner in owners.get(name, [name])}
    ]
    assert missing == []


def _declared() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    return {_normal(re.split(r"[\[<>=~! ;]", name)[0]) for name in wanted}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after running some code."""
    script = (
        f"import sys\n{code}\nprint('LOADED', *sorted({{name.split('.')[0] for name in "
        f"sys.modules}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_neither_torch_nor_monai(package: str) -> None:
    assert not {"torch", "monai"} & loaded_after(f"import {package}")


def test_every_file_outside_the_doors_works_without_torch() -> None:
    behind = [name for name, file in MODULES.items() if file.as_posix().startswith(TORCH_FILES)]
    outside = [name for name in MODULES if name.startswith("fsh_core") and name not in behind]
    assert not {"torch", "monai"} & loaded_after("\n".join(f"import {name}" for name in outside))


def test_segmenting_on_the_processor_loads_no_torch() -> None:
    # It takes a second to load, and a minute to install.
    code = "import fsh_core, fsh_core.cli.segment, fsh_core.cli.evaluate\nfsh_core.load_predictor()"
    assert not {"torch", "monai"} & loaded_after(code)


def test_a_training_from_a_pack_needs_no_openvino() -> None:
    # A machine that is lent for minutes has torch, and little else.
    code = "import fsh_core.cli.train, fsh_core.training.train, fsh_core.training.pack"
    assert not {"openvino", "SimpleITK", "matplotlib", "pandas"} & loaded_after(code)


def test_help_loads_nothing_heavy() -> None:
    # What keeps `fsh --help` under half a second, whatever the machine is doing.
    code = """
sys.argv = ["fsh", "--help"]
from fsh_core.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
"""
    heavy = {"torch", "monai", "pandas", "scipy", "skimage", "matplotlib", "SimpleITK", "nibabel"}
    assert not heavy & loaded_after(code)


# The files that know the keys of a record, or of a card of weights, on disk.
RECORD_FILES = ("fsh_core/record/file.py", "fsh_core/record/model.py", "fsh_core/network/card.py")
CALLERS = ("fsh_core", "fsh_napari", "fsh_dashboard", "scripts", "benchmarks")


def subscripts_by_string(tree: ast.AST, name: str) -> Iterator[str]:
    """Find ``name["key"]``, ``x.name["key"]`` and ``name.get("key")``, also of a part of it."""
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            key, base = node.slice, node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "pop", "setdefault")
            and node.args
        ):
            key, base = node.args[0], node.func.value
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and _is_about(base, name):
            yield ast.unparse(node)


def _is_about(base: ast.expr, name: str) -> bool:
    """Whether an expression is ``name``, an attribute of it, or subscripted from it."""
    while True:
        if isinstance(base, ast.Name):
            return base.id == name
        if isinstance(base, ast.Attribute):
            if base.attr == name:
                return True
            base = base.value
        elif isinstance(base, ast.Subscript):
            base = base.value
        else:
            return False


@pytest.mark.parametrize(
    "code",
    [
        "record['case']",
        "stored.record['input']['FLAIR']",
        "found.record.weights['name']",
        "record.get('quality')",
        "self.case.stored.record.input['FLAIR'].path",
    ],
)
def test_a_record_subscripted_by_string_is_seen(code: str) -> None:
    assert list(subscripts_by_string(ast.parse(code), "record"))


@pytest.mark.parametrize(
    ("name", "callers"),
    [
        ("record", CALLERS),
        ("card", CALLERS),
    ],
)
def test_no_record_is_subscripted_by_string(name: str, callers: tuple[str, ...]) -> None:
    found = [
        f"{file}: {code}"
        for file in files_of(*callers)
        if file.as_posix() not in RECORD_FILES
        for code in subscripts_by_string(
            ast.parse((REPOSITORY / file).read_text(encoding="utf-8")), name
        )
    ]
    assert found == []


def test_the_network_has_one_door() -> None:
    """Whoever swaps the network begins in build.py; nothing else names its class or its graph."""
    behind = ("fsh_core/network/build.py", "fsh_core/network/model.py")
    classes = {"R2AttentionUNet3d", "graph_of"}
    found = [
        f"{file}: {node.id}"
        for file in files_of(*PACKAGES)
        if file.as_posix() not in behind
        for node in ast.walk(ast.parse((REPOSITORY / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in classes
    ]
    assert found == []
