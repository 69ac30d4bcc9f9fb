"""The classic dialect, for its routes to name."""

from app.api.classic.documented_errors import in_classic_words
from app.api.classic.errors import classic_error
from app.http.dialect import Dialect

CLASSIC = Dialect(prefix="/api/", answer_error=classic_error, document_errors=in_classic_words)
