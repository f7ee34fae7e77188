import subprocess
import sys

import pytest

from odradek.protocol.api_keys import ApiKey
from odradek.protocol.messages import request_class, response_class


@pytest.mark.parametrize("key", ApiKey)
def test_request_and_response_of_an_api_have_its_key_and_the_same_versions(key: ApiKey):
    request, response = request_class(key), response_class(key)
    assert (key, key) == (request.API_KEY, response.API_KEY)
    assert request.MIN_VERSION == response.MIN_VERSION
    assert request.MAX_VERSION == response.MAX_VERSION


def test_an_unknown_key_is_a_key_error():
    with pytest.raises(KeyError):
        request_class(-1)


def test_messages_load_on_first_use():
    script = (
        "import sys, odradek.protocol, odradek.protocol.messages, odradek.protocol.headers\n"
        "loaded = [m for m in sys.modules if m.startswith('odradek.protocol.generated.')]\n"
        "print(loaded)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['odradek.protocol.generated.index']"
