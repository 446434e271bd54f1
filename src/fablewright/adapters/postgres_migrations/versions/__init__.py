"""A file a step. There are two lines of them: ``campaigns`` and ``index``. What was released is never changed."""
