"""Answers that more than one page gives."""

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """After a POST: what was done is shown by a GET, whatever the browser (RFC 9110 section 15.4.4)."""

    status_code = 303
