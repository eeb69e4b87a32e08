"""What the training tests share."""

import pytest

from megami.data.studio.soundfont import find_soundfont
from megami.errors import UserError


@pytest.fixture(scope="session")
def soundfont():
    """Skip where the SoundFont, from which the studio's songs are rendered, is not installed."""
    try:
        return find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
