"""What others use instead, in one Django site: pytracking and django-mail-analytics."""
