"""Addresses of messages."""

from django.urls import path

from correspondence import views

app_name = "correspondence"
urlpatterns = [
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/<int:pk>/", views.CancelMessage.as_view(), name="message"),
    path("loans/<int:pk>/messages/", views.LoanMessages.as_view(), name="of_loan"),
]
