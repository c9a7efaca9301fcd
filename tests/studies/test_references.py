"""Reference networks: of the space by MACs, and hand-designed ones within the limits."""

from mf_nas_kd.networks import CostCounter, TrainedNetwork, rebuild
from mf_nas_kd.records import Architecture, Costs, Evaluation
from mf_nas_kd.records.tables import candidate_table, records_of, table_of
from mf_nas_kd.spaces import Limits
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.references import hand_designed_references, references_of_space


def pool(*costs):
    architectures = [Architecture.of("g", i=i) for i in range(len(costs))]
    return candidate_table(architectures, lambda each: Costs(*costs[each.fields["i"]]))


def chosen(*costs):
    return [(each.name.split()[0], each.architecture.fields["i"]) for each in references_of_space(pool(*costs))]


def test_smallest_median_and_largest_by_macs_then_parameters():
    assert chosen((50, 1), (10, 9), (30, 2), (30, 1), (90, 1)) == [("smallest", 1), ("median", 2), ("largest", 4)]
    assert chosen((3, 1), (2, 1), (1, 1), (4, 1)) == [("smallest", 2), ("median", 1), ("largest", 3)]


def test_no_candidate_is_two_references():
    assert chosen((3, 1), (2, 1)) == [("smallest", 1), ("largest", 0)]
    assert chosen((3, 1)) == [("smallest", 0)]


def test_hand_designed_ones_are_within_the_winner_and_the_limits():
    cost_of = CostCounter(10, (3, 32, 32))
    found, left_out = hand_designed_references(14_000_000, Limits.of(), cost_of, (3, 32, 32))
    assert not left_out
    assert [each.name for each in found] == [
        "MobileNetV2 x0.35",
        "ShuffleNetV2 x0.55",
        "ResNet-8 x1.05",
        "ResNet-20 x0.55",
    ]
    assert all(7_000_000 < cost_of(each.architecture).macs <= 14_000_000 for each in found)
    limits = Limits.of(max_macs=4_000_000, max_params=30_000)
    tighter, left_out = hand_designed_references(14_000_000, limits, cost_of, (3, 32, 32))
    assert [each.name for each in tighter] == ["ResNet-8 x0.5", "ResNet-20 x0.3"]
    assert all(limits.allow(cost_of(each.architecture)) for each in tighter)
    assert [reason.split()[0] for reason in left_out] == ["MobileNetV2", "ShuffleNetV2"]


def test_a_reference_of_no_space_is_trained_distilled_stored_and_rebuilt(evaluator, short, tmp_path):
    cost_of = CostCounter(evaluator.context.images.classes, evaluator.context.images.image_shape)
    found, _ = hand_designed_references(100_000, Limits.of(), cost_of, evaluator.context.images.image_shape)
    (resnet,) = (each.architecture for each in found if each.name.startswith("ResNet-8"))
    assert resnet.space == "residual"
    fidelities = [
        short,
        *(
            type(short)(short.train_fraction, 1, **each)
            for each in [{"distillation": "kd"}, {"width": 0.5}, {"image_size": 6}]
        ),
    ]
    made = [evaluator.evaluate(resnet, fidelity, 0) for fidelity in fidelities]
    assert [each.error for each in made] == [""] * 4
    store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    for each in made:
        store.append(each)
    assert set(store.find([each.key for each in made]).values()) == set(made)
    assert records_of(table_of(made, Evaluation), Evaluation) == made
    network, *_ = evaluator.train(resnet, short, 0)
    trained = TrainedNetwork.of(evaluator.describe(resnet), network)
    assert sum(each.numel() for each in rebuild(trained).parameters()) == cost_of(resnet).params
