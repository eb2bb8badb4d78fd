"""What the write-ups of the five systems claim, held against what a run of the tests measured.

A test names its claims (``@pytest.mark.claim("A.delete")``). The report file of the run has the verdicts of its
markers, and what it recorded by the fixture ``measured``. Nothing here knows a figure.
"""
