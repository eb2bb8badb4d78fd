"""What the tasks are made of; nothing in here knows Celery."""
