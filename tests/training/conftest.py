"""What the training tests share."""

import pytest

from megami.errors import UserError
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import find_synthesisers


@pytest.fixture(scope="session")
def soundfont():
    """Skip where the SoundFont or the speech synthesisers, which the corpus's songs need, are not installed."""
    try:
        find_synthesisers()
        return find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
