"""Routes of both peers."""

from django.urls import include, path

from benchmarks.public.peers import views

urlpatterns = [
    path("healthz", views.health),
    path("o/<path:path>", views.OpenView.as_view()),
    path("c/<path:path>", views.ClickView.as_view()),
    path("mail/", include("django_mail_analytics.urls")),
]
