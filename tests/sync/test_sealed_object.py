"""The format of objects at private remotes: exact, opened by a second reader, and never opened after any change."""

import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

import crdtctl
from crdtctl.errors import ConfigError, DataError
from crdtctl.sync.keys import Key, SealedNames, key_id_of, parsed
from crdtctl.sync.object_name import is_sealed_name, last_sync_time, stem_of, with_time, without_time
from crdtctl.sync.sealed_object import CHUNK, HEADER, TAG, Opener, padded, seal, sealed_size
from crdtctl.sync.transport import SEALED_START
from tests.support import sealed_reader

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))
OWNER = "desk-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7"
DIGEST = "0f" * 16
NAME = with_time(SealedNames(KEY).name_of(OWNER, DIGEST), 0)

keys = st.binary(min_size=32, max_size=32).map(Key)
#: Sizes about the borders of a chunk and of the padding, and some without meaning.
sizes = st.sampled_from([0, 1, 1015, 1016, 1017, CHUNK - 9, CHUNK - 8, CHUNK - 7, 2 * CHUNK, 2 * CHUNK + 1]) | (
    st.integers(0, 200_000)
)


def sealed(state: bytes, name: str = NAME, key: Key = KEY, random: Callable[[int], bytes] | None = None) -> bytes:
    pieces: list[bytes] = []
    if random is None:
        seal(io.BytesIO(state), name, key, pieces.append)
    else:
        seal(io.BytesIO(state), name, key, pieces.append, random)
    return b"".join(pieces)


def opened(data: bytes, name: str = NAME, *keys: Key, step: int = 10_000) -> bytes:
    pieces: list[bytes] = []
    opener = Opener(name, {key.id: key for key in keys or (KEY,)}, pieces.append)
    for start in range(0, len(data), step):
        opener(data[start : start + step])
    opener.finish()
    return b"".join(pieces)


@given(keys, sizes, st.integers(0, 2**32), st.integers(1, 100_000))
def test_any_state_is_opened_as_it_was(key: Key, size: int, seed: int, step: int) -> None:
    state = random.Random(seed).randbytes(size)
    data = sealed(state, key=key)
    assert len(data) == sealed_size(size)
    assert opened(data, NAME, OTHER, key, step=step) == state


@pytest.mark.parametrize("size", [0, 300, CHUNK + 5])
def test_the_second_reader_opens_what_was_sealed(size: int) -> None:
    state = random.Random(size).randbytes(size)
    there = SealedNames(KEY).with_check(NAME)
    key = sealed_reader.key_of(KEY.text())
    assert sealed_reader.name_of(key, OWNER, DIGEST, "19700101T000000Z") == there
    assert sealed_reader.opened(key, there, sealed(state)) == state


def test_the_second_reader_agrees_with_the_vector_of_the_standard() -> None:
    # RFC 8439, 2.8.2
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
    text += b"would be it."
    cipher = bytes.fromhex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a"
        "9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9d"
        "e576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    )
    assert sealed_reader.decrypted(key, nonce, cipher, bytes.fromhex("50515253c0c1c2c3c4c5c6c7")) == text


def test_an_object_with_any_changed_byte_is_not_opened() -> None:
    data = sealed(b"a state\n")
    for place in range(len(data)):
        for bit in (1, 128):
            changed = bytearray(data)
            changed[place] ^= bit
            with pytest.raises(DataError):
                opened(bytes(changed))


@given(st.integers(0, 3 * CHUNK), st.data())
def test_an_object_that_is_cut_extended_or_reordered_is_not_opened(size: int, data: st.DataObject) -> None:
    whole = sealed(bytes(size))
    step = CHUNK + TAG
    chunks = [whole[start : start + step] for start in range(HEADER, len(whole), step)]
    order = data.draw(st.permutations(chunks))
    changes = [whole + b"\0", whole + chunks[-1], whole[:HEADER] + b"".join(order[:-1])]
    changes += [
        whole[: data.draw(st.integers(0, len(whole) - 1))],
        whole[: HEADER + step * data.draw(st.integers(0, 2))],
    ]
    if order != chunks:
        changes.append(whole[:HEADER] + b"".join(order))
    for changed in changes:
        if changed != whole:
            with pytest.raises(DataError):
                opened(changed)


def test_an_object_is_bound_to_its_name_and_its_key() -> None:
    data = sealed(b"a state\n")
    with pytest.raises(DataError, match="another name"):
        opened(data, with_time(SealedNames(KEY).name_of("van-1", DIGEST), 0))
    with pytest.raises(DataError, match="another name"):
        opened(data, with_time(SealedNames(KEY).name_of(OWNER, DIGEST), 60))
    with pytest.raises(DataError, match=f"another key, {KEY.id}"):
        opened(data, NAME, OTHER)
    relabelled = data[:24] + bytes.fromhex(OTHER.id) + data[32:]
    with pytest.raises(DataError, match="changed"):
        opened(relabelled, NAME, OTHER)


def test_a_plain_state_is_not_opened() -> None:
    for plain in (b"", b"{", b'{"crdtctl":1,' + b"x" * 100):
        with pytest.raises(DataError, match="not a sealed object"):
            opened(plain)


def test_an_object_that_states_a_longer_state_than_it_has_is_not_opened() -> None:
    header = SEALED_START + bytes.fromhex(KEY.id) + bytes(32)
    secret = sealed_reader.hmac_sha256(bytes(32), sealed_reader.derived(KEY.secret, "objects"))
    cipher = ChaCha20Poly1305(sealed_reader.derived(secret, "object"))
    for size, is_whole in ((92, True), (93, False)):
        content = size.to_bytes(8, "big") + bytes(92)
        data = header + cipher.encrypt(bytes(11) + b"\1", content, header + NAME.encode())
        if is_whole:
            assert opened(data) == bytes(92)
        else:
            with pytest.raises(DataError, match="cut off"):
                opened(data)


def test_two_machines_that_draw_the_same_random_bytes_use_different_keys() -> None:
    def same(size: int) -> bytes:
        return bytes(size)

    salts = {
        sealed(state, name, random=same)[32:64]
        for state in (b"one", b"two")
        for name in (NAME, with_time(SealedNames(KEY).name_of("van-1", DIGEST), 0))
    }
    assert len(salts) == 4
    assert sealed(b"one", random=same) == sealed(b"one", random=same)
    assert sealed(b"one") != sealed(b"one")


@given(st.integers(0, 2**31))
def test_padding_hides_the_size_and_costs_little(size: int) -> None:
    assert size <= padded(size) <= max(1024, size * 1.125)
    assert padded(padded(size)) == padded(size)
    bits = padded(size).bit_length()
    assert bin(padded(size)).rstrip("0").count("1") <= bits.bit_length() + 1


@given(st.text(min_size=1, max_size=80), st.binary(min_size=16, max_size=16), st.integers(0, 4 * 10**9))
def test_a_name_has_the_form_of_names_and_hides_all_but_the_time(owner: str, digest: bytes, when: int) -> None:
    names = SealedNames(KEY)
    name = names.name_of(owner, digest.hex())
    dated = with_time(name, when)
    there = names.with_check(dated)
    assert (without_time(dated), last_sync_time(dated), is_sealed_name(there)) == (name, when, True)
    assert stem_of(dated) == stem_of(names.name_of(owner, "0" * 32))
    assert (names.without_check(there), key_id_of(there), len(there)) == (dated, KEY.id, 112)
    assert SealedNames(OTHER).name_of(owner, digest.hex())[17:66] != name[17:66]


def test_a_name_with_any_changed_character_is_not_of_the_key() -> None:
    names = SealedNames(KEY)
    there = names.with_check(NAME)
    for place, character in enumerate(there.removesuffix(".crdt.sealed")):
        other = "1" if character != "1" else "2"
        changed = there[:place] + other + there[place + 1 :]
        assert not is_sealed_name(changed) or names.without_check(changed) == ""


@given(keys)
def test_a_key_is_read_from_its_text(key: Key) -> None:
    [found] = parsed(f"# a comment\n\n  {key.text()}\r\n", "it")
    assert (found.secret, found.id, sealed_reader.key_of(key.text())) == (key.secret, key.id, key.secret)
    assert key.secret.hex() not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "secret-word",
        KEY.text()[:-1],
        KEY.text() + "0",
        KEY.text().replace("01", "02", 1),
        "crdtctl-key-1-",
    ],
)
def test_a_text_that_is_no_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(text, "the key file F")
    assert "the key file F" in refused.value.message
    assert "secret-word" not in str(refused.value)
    assert KEY.secret.hex()[4:20] not in str(refused.value)


def test_the_vector_in_the_manual_is_right_for_both_readers() -> None:
    text = Path(crdtctl.__file__).with_name("help").joinpath("private.md").read_text()
    vector = dict(line.split(" = ") for line in text.rpartition("```text\n")[2].splitlines() if " = " in line)
    key, state = sealed_reader.key_of(vector["key"]), vector["state"].encode()
    names, digest = SealedNames(Key(key)), hashlib.blake2b(state, digest_size=16).hexdigest()
    name = with_time(names.name_of(vector["owner"], digest), 1767323045)
    data = sealed(state, name, Key(key), lambda size: b"\x05" * size)
    assert (Key(key).id, digest, names.with_check(name)) == (vector["id"], vector["hash"], vector["name"])
    assert (data[32:64].hex(), data[64:96].hex()) == (vector["salt"], vector["start"])
    assert hashlib.sha256(data).hexdigest() == vector["sha256"]
    assert sealed_reader.opened(key, vector["name"], data) == state
