"""The study of the tests with sessions in it."""

from pathlib import Path

VISITS = {"P1": "m6", "P2": "m6", "P3": "m12", "P4": "m12"}


def with_visits(study: Path) -> Path:
    """Move every case into a session: other names of files and folders, the same scans."""
    for root in (study, study / "derivatives" / "fsh", study / "derivatives" / "manual"):
        for subject, session in VISITS.items():
            home = root / f"sub-{subject}"
            if not (home / "anat").is_dir():
                continue
            (home / f"ses-{session}").mkdir()
            (home / "anat").rename(home / f"ses-{session}" / "anat")
            for path in sorted((home / f"ses-{session}").rglob("*.*")):
                name = path.name.replace(f"sub-{subject}_", f"sub-{subject}_ses-{session}_")
                path = path.rename(path.with_name(name))
                if path.suffix == ".json":
                    path.write_text(_renamed(path.read_text(), subject, session))
    for table in ("cases.tsv", "lesions.tsv"):
        (study / "derivatives" / "fsh" / table).unlink()
    return study


def _renamed(record: str, subject: str, session: str) -> str:
    for old, new in (
        (f'"case": "sub-{subject}"', f'"case": "sub-{subject}_ses-{session}"'),
        ('"session": null', f'"session": "{session}"'),
        (f"sub-{subject}/anat", f"sub-{subject}/ses-{session}/anat"),
        (f"sub-{subject}_", f"sub-{subject}_ses-{session}_"),
    ):
        record = record.replace(old, new)
    return record
