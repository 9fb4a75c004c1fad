"""Addresses of messages, wordings and what borrowers want."""

from django.urls import path

from correspondence import views

app_name = "correspondence"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/<int:pk>/", views.CancelMessage.as_view(), name="message"),
    path("messages/wordings/", views.WordingList.as_view(), name="wordings"),
    path("messages/wordings/<int:pk>/", views.WordingPage.as_view(), name="wording"),
    path("loans/<int:pk>/contact/", views.ContactPart.as_view(), name="contact"),
    path("loans/<int:pk>/messages/", views.LoanMessages.as_view(), name="of_loan"),
]
