import torch
from torch.nn import functional

from mf_nas_kd.images.duplicates.inverted_file import MOST_PER_QUERY, InvertedFile, best_of_each


def vectors(count, seed):
    return functional.normalize(torch.randn(count, 20, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_similar_vectors_are_found_with_their_products():
    kept = vectors(2000, 0)
    queries = functional.normalize(kept.roll(1, 0) + 0.05 * vectors(2000, 1), dim=1)
    found = InvertedFile.of(kept).similar(queries, 0.9)
    assert set(((found.query - found.vector) % 2000).tolist()) == {1}
    assert len(found.query) > 0.95 * 2000
    torch.testing.assert_close(found.product, (queries[found.query] * kept[found.vector]).sum(1))
    assert found.product.min() > 0.9


def test_a_vector_is_not_similar_to_itself():
    kept = vectors(100, 0)
    assert len(InvertedFile.of(kept).similar(kept, 0.99).query) == 0


def test_a_query_keeps_its_best_vectors():
    kept = functional.normalize(vectors(1, 0) + 0.01 * vectors(300, 1), dim=1)
    found = InvertedFile.of(kept).similar(kept, 0.9)
    counts = found.query.bincount(minlength=300)
    assert counts.max() == MOST_PER_QUERY
    assert counts.min() > 0


def test_the_best_of_each_owner_by_hand():
    owners = torch.tensor([1, 0, 1, 1, 1, 1, 1, 0])
    scores = torch.tensor([0.1, 0.5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert best_of_each(owners, scores).tolist() == [1, 2, 3, 4, 5, 6, 7]
