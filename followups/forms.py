"""What people type into follow-up pages, turned into the values that actions take.

The visit form's inputs are `choice.KEY`, `now.KEY` and `verified.KEY`; a direct question has `now.KEY`
alone. Whether an answer is right is decided by `rules.checklist`, not here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from followups.models import Method, PauseReason
from followups.rules import checklist
from followups.rules.attachments import Place
from people.models import Staff

# The value by which a direct question's radio says "not verified".
NOT_VERIFIED = "~UNVERIFIED"
_MEASURE = ("code", "owner", "due_on", "words")
_TEXTS = (
    *("contact_outcome", "second_visitor", "photo_exit", "note_left", "more"),
    *("conclusion", "conclusion_text", "suggested_class"),
)


def visitors_of(branch_ids: Iterable[int], also: QuerySet[Any] | None = None) -> QuerySet[Staff]:
    """Active members of staff of these branches, and those whose ids are `also` named, who may record visits, by branch
    and name."""
    wanted = Q(branch_id__in=list(branch_ids))
    if also is not None:
        wanted |= Q(pk__in=also)
    found = Staff.objects.filter(wanted, is_active=True, roles__permissions__contains=["followups.record_visit"])
    return found.select_related("branch").distinct().order_by("branch__code", "name", "id")


class AssignForm(forms.Form):
    officer = forms.ModelChoiceField(queryset=Staff.objects.none(), to_field_name="staff_no", label=_("主办人"))
    reason = forms.CharField(max_length=200, label=_("分派原因"))

    def __init__(self, *args: Any, branch_ids: Iterable[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["officer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = visitors_of(branch_ids)


class RescheduleForm(forms.Form):
    to = forms.DateField(label=_("改到"))
    code = forms.ChoiceField(label=_("原因"), choices=[("", ""), *PauseReason.choices], required=False)
    reason = forms.CharField(label=_("改约原因"), max_length=200)


class PauseForm(forms.Form):
    reason = forms.ChoiceField(label=_("原因"), choices=PauseReason.choices)
    until = forms.DateField(label=_("暂停至"))
    note = forms.CharField(label=_("说明"), max_length=300, required=False)


class MethodForm(forms.Form):
    method = forms.ChoiceField(label=_("方式"), choices=Method.choices)
    note = forms.CharField(label=_("原因"), max_length=300)


class PropertyVisitForm(forms.Form):
    due_on = forms.DateField(label=_("应完成日"))
    method = forms.ChoiceField(label=_("方式"), choices=Method.choices)
    reason = forms.CharField(label=_("原因"), max_length=300)


class AttemptForm(forms.Form):
    outcome = forms.CharField(max_length=16, label=_("接通结果"))
    note = forms.CharField(max_length=300, required=False, label=_("备注"))
    recording = forms.CharField(max_length=40, required=False, label=_("录音编号"))
    next_at = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M"], label=_("约定时间"))
    promise_amount = forms.DecimalField(required=False, max_digits=15, decimal_places=2, label=_("承诺金额"))
    promise_on = forms.DateField(required=False, input_formats=["%Y-%m-%d"], label=_("承诺还款日"))


class CorrectionForm(forms.Form):
    code = forms.CharField(max_length=12, required=False)
    words = forms.CharField(max_length=500, required=False)


class TellingForm(forms.Form):
    channel = forms.CharField(max_length=8, label=_("告知方式"))
    heard_by = forms.CharField(max_length=8, label=_("听取人"))
    told_at = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M"], label=_("告知时间"))
    words = forms.CharField(max_length=300, label=_("告知内容"))


class OpinionForm(forms.Form):
    version = forms.IntegerField(min_value=1)
    conclusion = forms.CharField(required=False, max_length=12)
    text = forms.CharField(required=False, max_length=1000)


class PlaceForm(forms.Form):
    """Where the device was, as a page sends it with a photo; asked for only with consent."""

    consent = forms.BooleanField(required=False)
    latitude = forms.DecimalField(required=False, min_value=-90, max_value=90, max_digits=9, decimal_places=6)
    longitude = forms.DecimalField(required=False, min_value=-180, max_value=180, max_digits=9, decimal_places=6)
    accuracy = forms.IntegerField(required=False, min_value=0, max_value=100_000)


def place_of(post: Mapping[str, Any]) -> Place | None:
    """The position sent with a photo; none without consent or when it is not whole: the photo is kept either way."""
    form = PlaceForm(post)
    found = form.cleaned_data if form.is_valid() else {}
    if not found.get("consent") or any(found.get(name) is None for name in ("latitude", "longitude", "accuracy")):
        return None
    return Place(found["latitude"], found["longitude"], found["accuracy"])


class LostForm(forms.Form):
    note = forms.CharField(max_length=300, label=_("原因"))


class AsTyped(forms.CharField):
    """Text as it came: what is wrong with it is the action's to say, in one place for page and API."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.validators = []


class AsChosen(forms.MultipleChoiceField):
    """Choices as they came; one that does not exist is the action's to refuse."""

    def valid_value(self, value: Any) -> bool:
        return True


class DecisionForm(forms.Form):
    content_sha256 = AsTyped()
    note = AsTyped()


class ReturnForm(forms.Form):
    content_sha256 = AsTyped()
    code = AsTyped(label=_("退回原因"))
    reason = AsTyped(label=_("说明"))
    sections = AsChosen(
        required=False, choices=[(key, key) for key, _zh, _en in checklist.SECTIONS], label=_("需修改的部分")
    )

    def clean(self) -> dict[str, Any]:
        """Adds the reasons of single sections, typed as `code.SECTION`; left empty it is that of the whole."""
        found = dict(super().clean() or {})
        asked = {section: self.data.get(f"code.{section}", "") for section in found.get("sections") or ()}
        return {**found, "section_codes": {section: code for section, code in asked.items() if code}}


def draft_of(post: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The draft that a posted visit form means; inputs that were left alone are left out."""
    answers = {}
    for item in items:
        answer = _answer(post, item)
        if answer:
            answers[str(item["key"])] = answer
    draft: dict[str, Any] = {"answers": answers}
    for name in _TEXTS:
        if value := str(post.get(name, "")).strip():
            draft[name] = value.replace("\r\n", "\n")
    if measures := _measures(post):
        draft["measures"] = measures
    return draft


def _measures(post: Mapping[str, Any]) -> list[dict[str, str]]:
    """The measures of a posted visit form: `measure.0.code`, `.owner`, `.due_on`, `.words`; rows without a kind are
    left out."""
    found = []
    for place in range(checklist.MOST_MEASURES):
        row = {name: str(post.get(f"measure.{place}.{name}", "")).strip() for name in _MEASURE}
        if row["code"]:
            found.append(row)
    return found


def chosen_reports(chosen: Iterable[str]) -> dict[int, str]:
    """Ticked reports, each with the hash of what was read: `12 3f…`."""
    found = {}
    for each in chosen:
        number, _space, sha256 = each.partition(" ")
        if number.isascii() and number.isdigit() and len(number) < 19:
            found[int(number)] = sha256
    return found


def _answer(post: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, str]:
    key = item["key"]
    choice, now = str(post.get(f"choice.{key}", "")), str(post.get(f"now.{key}", "")).strip()
    if item["type"] == "system":
        return {}
    if item["type"] == "money" and now:
        now = checklist.fold_amount(now)
    if checklist.is_direct(item):
        return {"choice": "UNVERIFIED"} if now == NOT_VERIFIED else ({"now": now} if now else {})
    if not choice:
        return {}
    answer = {"choice": choice}
    verified = str(post.get(f"verified.{key}", ""))
    if choice == "CHANGED" and now:
        answer["now"] = now
    if choice in ("CHANGED", "SAME") and verified:
        answer["verified_by"] = verified
    return answer


def version_of(post: Mapping[str, Any]) -> int:
    """The version the form was made from; a missing or mangled one is no version at all."""
    text = str(post.get("version", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def tab_of(post: Mapping[str, Any]) -> str:
    """The window that sends the form; none where it runs without scripts."""
    return str(post.get("tab", ""))[:60]
