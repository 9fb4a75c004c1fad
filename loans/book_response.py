"""How the file of the book is sent: as it is read from disk, piece by piece, and not to be kept on the way."""

from django.http import FileResponse

from loans.actions.report_documents import BookFile


class BookResponse(FileResponse):
    """The book as a browser or a client of the API gets it."""

    block_size = 1 << 16

    def __init__(self, book: BookFile) -> None:
        super().__init__(book.file, as_attachment=True, filename=book.name, content_type="text/csv; charset=utf-8")
        self["Content-Length"] = str(book.size)
        self["Cache-Control"] = "no-store"
