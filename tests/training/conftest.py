"""What the training tests share."""

import pytest

from megami.errors import UserError
from megami.studio.band.soundfont import find_soundfont


@pytest.fixture(scope="session")
def soundfont():
    """Skip where the SoundFont, from which the studio's songs are rendered, is not installed."""
    try:
        return find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
