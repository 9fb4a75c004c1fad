"""Signing in and out. Who has just signed in starts at the page that was asked for, else at the root."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from people.machine_keys import forget_word


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("工号或密码不正确。连续 5 次不正确将锁定 15 分钟。"),
        "inactive": _("该工号已停用。"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("工号")
        self.fields["password"].label = _("密码")
        for field in self.fields.values():
            field.widget.attrs["class"] = "field"
        password = self.fields["password"].widget
        assert isinstance(password, forms.PasswordInput)
        password.attrs["autocomplete"] = "current-password"


@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    form_class = SignInForm
    template_name = "people/sign_in.html"
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """Ends the session, and makes what pages kept on this machine unreadable."""

    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        forget_word(response)
        return response
