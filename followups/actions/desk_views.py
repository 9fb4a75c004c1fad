"""Views of the desk that a person keeps under a name: the filters and order that stand in the address."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.models import SavedView
from followups.rules.checklist import text_faults
from journal.errors import ActionRefused
from people.actions import require
from people.models import Staff

MOST_VIEWS = 12
LONGEST_NAME, LONGEST_QUERY = 20, 500


class ViewRefused(ActionRefused):
    """A view cannot be kept so."""

    code = "view_refused"


@transaction.atomic
def save_view(*, name: str, query: str, by: Staff, at: datetime) -> SavedView:
    """Keeps the filters under a name; the same name again replaces what it stood for."""
    require(by, "followups.view")
    words = _checked_name(name)
    if not query:
        raise ViewRefused(_("请先选好筛选或排序，再存为视图。"), field="query")
    if len(query) > LONGEST_QUERY:
        raise ViewRefused(_("筛选条件过长，不能存为视图。"), field="query")
    Staff.objects.select_for_update().get(pk=by.pk)
    own = SavedView.objects.filter(staff=by)
    kept = own.filter(name=words).first()
    if kept is None and own.count() >= MOST_VIEWS:
        raise ViewRefused(_("最多保存 %(most)s 个视图，请先删除不用的。") % {"most": MOST_VIEWS}, field="name")
    if kept is None:
        return SavedView.objects.create(staff=by, name=words, query=query, made_at=at)
    SavedView.objects.filter(pk=kept.pk).update(query=query, made_at=at)
    kept.query = query
    return kept


@transaction.atomic
def rename_view(*, view_id: int, name: str, by: Staff, at: datetime) -> SavedView:
    """SavedView.DoesNotExist when it is missing or somebody else's."""
    require(by, "followups.view")
    words = _checked_name(name)
    view = SavedView.objects.select_for_update().get(pk=view_id, staff=by)
    if SavedView.objects.filter(staff=by, name=words).exclude(pk=view.pk).exists():
        raise ViewRefused(_("已有同名视图。"), field="name")
    SavedView.objects.filter(pk=view.pk).update(name=words, made_at=at)
    view.name = words
    return view


@transaction.atomic
def drop_view(*, view_id: int, by: Staff, at: datetime) -> None:
    """SavedView.DoesNotExist when it is missing or somebody else's."""
    require(by, "followups.view")
    SavedView.objects.select_for_update().get(pk=view_id, staff=by).delete()


def _checked_name(name: str) -> str:
    words = " ".join(name.split())
    if not words:
        raise ViewRefused(_("请填写视图名称。"), field="name")
    if len(words) > LONGEST_NAME or text_faults(words, LONGEST_NAME, lines=False):
        raise ViewRefused(_("视图名称最多 %(most)s 个字，不含特殊字符。") % {"most": LONGEST_NAME}, field="name")
    return words
