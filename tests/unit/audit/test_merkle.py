"""The Merkle tree beside the vectors of RFC 6962's reference implementation."""

from __future__ import annotations

import pytest

from domain.audit.merkle import consistency, grown, inclusion, leaf_hash, node_in, root, tile_of
from infra.audit.verify_bundle import Growing, Head, is_beginning, root_of

# certificate-transparency, cpp/merkletree/merkle_tree_test.cc
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
L0_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L0_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
L1_0 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
L1_1 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
L1_2 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
L1_3 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
L2_0 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
L2_1 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [L0_1, L1_1, L2_1]),
    (5, 8, [L0_4, L1_3, L2_0]),
    (2, 3, [L1_0]),
    (1, 5, [ROOTS[1], L1_1, L0_4]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [L0_1, L1_1, L2_1]),
    (6, 8, [L1_2, L1_3, L2_0]),
    (2, 5, [L1_1, L0_4]),
]
_TILE = grown(0, {}, b"".join(leaf_hash(each) for each in INPUTS))[0].hashes


def nodes(height: int, index: int) -> bytes:
    assert tile_of(height, index) == (0, 0)
    return node_in(_TILE, height, index)


def head(size: int) -> Head:
    return Head("", size, bytes.fromhex(ROOTS[size]), 0, "", b"", b"")


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    grew = Growing([size])
    for leaf in INPUTS[:size]:
        grew.add(leaf_hash(leaf))

    assert root(nodes, size).hex() == ROOTS[size]
    assert grew.root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_inclusion_proofs_are_those_of_the_reference(
    index: int, size: int, path: list[str]
) -> None:
    proof = inclusion(nodes, index, size)

    assert [each.hex() for each in proof] == path
    assert root_of(leaf_hash(INPUTS[index]), index, size, proof) == head(size).root


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCIES)
def test_consistency_proofs_are_those_of_the_reference(old: int, new: int, path: list[str]) -> None:
    proof = consistency(nodes, old, new)

    assert [each.hex() for each in proof] == path
    assert is_beginning(head(old), head(new), proof)


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 8, []),
        (0, 8, [L0_1, L1_1]),
        (0, 8, [L0_1, L1_1, L2_1, L2_1]),
        (1, 8, [L0_1, L1_1, L2_1]),
        (0, 9, [L0_1, L1_1, L2_1]),
        (8, 8, [L0_1, L1_1, L2_1]),
        (-1, 8, [L0_1, L1_1, L2_1]),
        (0, 8, [L1_1, L0_1, L2_1]),
    ],
)
def test_a_wrong_inclusion_proof_leads_elsewhere(index: int, size: int, path: list[str]) -> None:
    proof = [bytes.fromhex(each) for each in path]

    assert root_of(leaf_hash(INPUTS[0]), index, size, proof) != head(8).root


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (6, 8, [L1_2, L1_3]),
        (6, 8, [L1_2, L1_3, L2_0, L2_0]),
        (6, 8, []),
        (5, 8, [L1_2, L1_3, L2_0]),
        (6, 7, [L1_2, L1_3, L2_0]),
        (8, 6, [L1_2, L1_3, L2_0]),
        (1, 1, [L0_1]),
        (0, 8, []),
    ],
)
def test_a_wrong_consistency_proof_is_refused(old: int, new: int, path: list[str]) -> None:
    assert not is_beginning(head(old), head(new), [bytes.fromhex(each) for each in path])
