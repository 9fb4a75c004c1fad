"""Spouse and co-borrower over the API: those of a loan's borrower, entering one by identity number, ending one."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.relations import tell_relation, withdraw_relation
from followups.api.clock import ANY_OF
from loans.models import Loan
from people.api.fields import StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, reads, writes
from people.models import PartyRelation, RelationKind
from people.queries.relations import relations_of
from people.rules.masking import mask_name


class RelationEntry(StrictSerializer):
    kind = serializers.ChoiceField(choices=RelationKind.choices)
    id_no = TextField(max_length=24, help_text="Of a borrower whose loan one sees; anybody else is not found.")


class RelationEnd(StrictSerializer):
    relation = WholeNumberField(min_value=1)


class RelationRow(serializers.Serializer[Any]):
    """Somebody who belongs together with the loan's borrower; the name is masked."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RelationKind.choices)
    name = serializers.SerializerMethodField()
    known_on = serializers.DateField()
    ended_on = serializers.DateField(allow_null=True)

    def get_name(self, relation: PartyRelation) -> str:
        own = relation.party_id == self.context["borrower_id"]
        return mask_name(relation.other.name if own else relation.party.name)


class RelationList(serializers.Serializer[Any]):
    results = RelationRow(many=True)


class Relations(ApiView):
    """Who belongs together with the loan's borrower; POST enters one."""

    permission = {"GET": "followups.view", "POST": ANY_OF}

    @reads(RelationList, operation_id="loans_relations_list")
    def get(self, request: Request, pk: int) -> Response:
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        context = {"borrower_id": loan.borrower_id}
        return Response(RelationList({"results": relations_of(loan.borrower_id)}, context=context).data)

    @writes(RelationEntry, RelationRow, status=201, operation_id="loans_relations_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(RelationEntry)
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            made = tell_relation(loan_id=loan.pk, **asked, by=self.staff, at=self.at)
            return Response(RelationRow(made, context={"borrower_id": loan.borrower_id}).data, status=201)

        return self.once(effect)


class EndRelation(ApiView):
    """Ends a relation of the loan's borrower."""

    permission = ANY_OF

    @writes(RelationEnd, RelationRow, operation_id="loans_relations_end")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(RelationEnd)
        loan: Loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            done = withdraw_relation(loan_id=loan.pk, relation_id=asked["relation"], by=self.staff, at=self.at)
            return Response(RelationRow(done, context={"borrower_id": loan.borrower_id}).data)

        return self.once(effect)
