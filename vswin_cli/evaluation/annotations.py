"""Which videos have which label: the forms in which data sets say so, and which one a file has."""

from enum import StrEnum
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.evaluation import class_folders, lists, tables, templates
from vswin_cli.evaluation.rows import Row, read_text


class Form(StrEnum):
    """The forms of annotations."""

    LIST = "list"  # MMAction2's: a path and an index a line
    CSV = "csv"  # a column of paths and one of labels
    KINETICS = "kinetics"  # Kinetics' own CSV
    SOMETHING_SOMETHING = "something-something"  # its validation.json
    FOLDER = "folder"  # a folder a class


def recognise(
    annotations: Path, path_column: str | None = None, label_column: str | None = None
) -> Form:
    """Tell which form annotations have.

    Args:
        annotations: A file or folder.
        path_column: A column's name, which only a CSV has.
        label_column: Likewise.

    Raises:
        UsageError: There is nothing, or it has none of the forms.
    """
    if annotations.is_dir():
        return Form.FOLDER
    text = read_text(annotations)
    if text.lstrip().startswith(("[", "{")):
        return Form.SOMETHING_SOMETHING
    if path_column or label_column:
        return Form.CSV
    if tables.is_kinetics(text):
        return Form.KINETICS
    if lists.is_list(text):
        return Form.LIST
    if tables.is_table(text):
        return Form.CSV
    raise UsageError(
        f"cannot tell what {annotations} is: neither lines of a path and an index, nor a CSV whose "
        "columns are known, nor Kinetics' CSV, nor Something-Something's JSON; name its form by "
        "--format, or the columns of a CSV by --path-column and --label-column"
    )


def read_annotations(
    annotations: Path,
    form: Form,
    path_column: str | None = None,
    label_column: str | None = None,
) -> list[Row]:
    """Read every row, those that cannot be understood included.

    Raises:
        UsageError: It has not this form, or no row.
    """
    if (form is Form.FOLDER) != annotations.is_dir():
        wanted = "a folder" if form is Form.FOLDER else "a file"
        raise UsageError(f"--format {form} needs {wanted}: {annotations} is none")
    if (path_column or label_column) and form is not Form.CSV:
        raise UsageError(
            f"--path-column and --label-column are for a CSV, and {annotations} is of the form "
            f"{form}; leave them out, or give --format csv"
        )
    if form is Form.FOLDER:
        rows = class_folders.read_folder(annotations)
    else:
        text = read_text(annotations)
        if form is Form.LIST:
            rows = lists.read_list(text)
        elif form is Form.KINETICS:
            rows = tables.read_kinetics(annotations, text)
        elif form is Form.CSV:
            rows = tables.read_table(annotations, text, path_column, label_column)
        else:
            rows = templates.read_templates(annotations, text)
    if not rows:
        raise UsageError(f"no video in {annotations}; check that it is the right one")
    return rows
