"""Icons, figures, dates and form controls of the portal's templates.

Figures and dates follow the page's language (Babel); English is British: 24 November 2026, 14:32. A filter that is given None
answers with nothing: what is not computed yet is said in words by the template, never shown as 0.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_name, get_currency_symbol
from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language

register = template.Library()

Number = int | Decimal
BABEL = {"da": "da_DK", "en": "en_GB", "kl": "kl_GL"}
BETWEEN_DAY_AND_CLOCK = {"da": " kl. ", "kl": " nal. "}
WEEKDAY = {"da": "EEEE d. MMMM", "kl": "EEEE d. MMMM"}
BEFORE_CLOCK = {"da": "kl. ", "kl": "nal. "}


def babel_locale() -> str:
    """The page's language as Babel names it."""
    return BABEL.get(_language(), "en_GB")


def _language() -> str:
    return (get_language() or "en").split("-")[0]


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """A drawing beside a word. Alone it needs a name: give that to the button or link around it."""
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("vendor/icons.svg"), name)


@register.filter
def whole(value: Number | None) -> str:
    """1.234"""
    return "" if value is None else format_decimal(value, format="#,##0", locale=babel_locale())


@register.filter
def number(value: Number | None) -> str:
    """1.234,5: as many decimals as the value has."""
    return "" if value is None else _minus(format_decimal(value, format="#,##0.######", locale=babel_locale()))


@register.filter
def money(value: Decimal | None) -> str:
    """1.234,56: two decimals, without a unit."""
    return "" if value is None else _minus(format_decimal(value, format="#,##0.00", locale=babel_locale()))


@register.filter
def price(value: Decimal | None) -> str:
    """0,2590: a unit price has four decimals, or up to six where it has them."""
    return "" if value is None else format_decimal(value, format="#,##0.0000##", locale=babel_locale())


@register.filter
def amount(value: Decimal | None, currency: str) -> str:
    """1.234,56 kr., and DKK 1,234.56 in English."""
    return "" if value is None else _minus(_apart(format_currency(value, currency, locale=babel_locale())))


def _apart(text: str) -> str:
    """A code of letters keeps its distance; Babel does not know CLDR's spacing between currency and digits."""
    return re.sub(r"(?<=[A-Z])(?=[-\d])", "\N{NO-BREAK SPACE}", text)


def _minus(text: str) -> str:
    """A minus is as wide as a figure; CLDR's Danish writes a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


@register.filter
def unit(currency: str) -> str:
    """kr., and DKK in English."""
    return get_currency_symbol(currency, locale=babel_locale())


@register.filter
def currency_name(currency: str) -> str:
    """danske kroner"""
    return get_currency_name(currency, count=2, locale=babel_locale())


@register.filter
def percent(share: Decimal | None) -> str:
    """A share between 0 and 1 as 96,4 %, with the language's own space before the sign."""
    if share is None:
        return ""
    pattern = Locale.parse(babel_locale()).percent_formats[None].pattern
    return format_percent(share, format=pattern.replace("#,##0", "#,##0.0"), locale=babel_locale())


@register.filter
def rate(share: Decimal | None) -> str:
    """A tax rate as 25 %: decimals only where it has them."""
    if share is None:
        return ""
    pattern = Locale.parse(babel_locale()).percent_formats[None].pattern
    return format_percent(share, format=pattern.replace("#,##0", "#,##0.##"), locale=babel_locale())


@register.filter
def percent_figure(share: Decimal | None) -> str:
    """A share between 0 and 1 as 96,4, for a stat tile that sets the sign apart."""
    return "" if share is None else format_decimal(share * 100, format="#,##0.0", locale=babel_locale())


@register.filter
def day(value: date | None) -> str:
    """24. november 2026"""
    return "" if value is None else format_date(_local(value), format="long", locale=babel_locale())


@register.filter
def day_short(value: date | None) -> str:
    """24. nov."""
    return "" if value is None else format_skeleton("MMMd", _local(value), locale=babel_locale())


@register.filter
def weekday(value: date | None) -> str:
    """tirsdag 24. november"""
    return "" if value is None else format_date(_local(value), format=WEEKDAY.get(_language(), "EEEE d MMMM"), locale=babel_locale())


@register.filter
def month(value: date | None) -> str:
    """november 2026"""
    return "" if value is None else format_skeleton("yMMMM", _local(value), locale=babel_locale())


@register.filter
def month_name(value: date | None) -> str:
    """november"""
    return "" if value is None else format_date(_local(value), format="LLLL", locale=babel_locale())


@register.filter
def clock(value: datetime | None) -> str:
    """kl. 14.32"""
    return "" if value is None else BEFORE_CLOCK.get(_language(), "") + _clock(value)


@register.filter
def moment(value: datetime | None) -> str:
    """24. november 2026 kl. 14.32"""
    return "" if value is None else day(value) + BETWEEN_DAY_AND_CLOCK.get(_language(), ", ") + _clock(value)


@register.filter
def moment_short(value: datetime | None) -> str:
    """24. nov. kl. 14.32"""
    return "" if value is None else day_short(value) + BETWEEN_DAY_AND_CLOCK.get(_language(), ", ") + _clock(value)


def _clock(value: datetime) -> str:
    return format_time(localtime(value).time(), format="short", locale=babel_locale())


def _local(value: date) -> date:
    return localtime(value).date() if isinstance(value, datetime) else value


@register.filter
def initials(name: str) -> str:
    """FB for Fjordbank A/S: the first two letters of one word, or the first letters of two; a form of company is no word."""
    words = [word for word in name.split("@")[0].replace(".", " ").replace("-", " ").split() if word not in {"A/S", "ApS", "I/S"}]
    return ("".join(word[0] for word in words[:2]) if len(words) > 1 else "".join(words)[:2]).upper()


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's control in the look. Django itself ties it to `<id>_helptext` and `<id>_error`."""
    css = {"checkbox": "", "select": "", "textarea": "textarea"}.get(field.widget_type, "input")
    if isinstance(mark := field.field.widget.attrs.get("class"), str):
        css = f"{css} {mark}".strip()
    return field.as_widget(attrs={"class": css} if css else None)
