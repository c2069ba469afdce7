"""A document as a file to keep."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from billing.exports import renderings
from billing.models import Document


def answer(document: Document, form: renderings.Format) -> HttpResponse:
    disposition = content_disposition_header(True, f"{document.number}.{form.value}")
    content = renderings.content(document, form)
    return HttpResponse(content, content_type=renderings.TYPES[form], headers={"Content-Disposition": disposition})
