"""The gallery's data: what is held out stays out, and the judges of letters count what they say."""

import numpy as np
import pytest

from learningdiagrams.regimes import find
from learningdiagrams.regimes.episodes import episodes, nearest, new_pictures, shots
from learningdiagrams.regimes.few_shot import whole_tasks
from learningdiagrams.regimes.letters import held_out, named, vocabulary
from learningdiagrams.regimes.prototypes import twenty_letters

pytest.importorskip("sklearn")
pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from learningdiagrams.glyphs import FACES, SCRIPTS, glyphs


def test_letters_look_different_in_every_face():
    found = glyphs()
    assert found.pictures.shape == (len(FACES), len(found.letters), 28, 28) and set(found.scripts) == set(SCRIPTS)
    assert found.pictures.min() == 0 and found.pictures.max() == 1
    for page in found.pictures:
        assert len(np.unique(page.reshape(len(page), -1), axis=0)) == len(page)
    with pytest.raises(ValueError, match="read-only"):
        found.pictures[:] = 0


def test_names_are_written_in_words():
    words = vocabulary()
    assert len(set(words)) == len(words) == 307
    spelled = [" ".join(words[i] for i in row if i) for row in named()]
    assert tuple(spelled) == glyphs().names


@pytest.mark.parametrize("name", ["distillation", "autoencoder", "manipulator", "simsiam", "mean_teacher", "stacking"])
def test_one_seed_is_one_split_and_no_row_is_in_both(name: str):
    one, again, other = (find(name).data(seed) for seed in (0, 0, 1))
    for mine, same in zip(one[:2], again[:2], strict=True):
        assert all(np.array_equal(mine[key], same[key]) for key in mine)
    key = next(key for key in one.test if one.test[key].ndim > 1 and key != "value")
    assert not np.array_equal(one.train[key], other.train[key])
    train, test = ({row.tobytes() for row in part[key]} for part in one[:2])
    assert not train & test


def test_each_fold_is_trained_without_what_is_held_from_it():
    train = find("stacking").data(0).train
    held = [{row.tobytes() for row in train[f"held{k}"]} for k in (1, 2, 3)]
    rest = [{row.tobytes() for row in train[f"rest{k}"]} for k in (1, 2, 3)]
    everything = {row.tobytes() for row in train["row"]}
    for mine, others in zip(held, rest, strict=True):
        assert not mine & others and mine | others == everything
    assert len(set.union(*held)) == sum(map(len, held)) == 300


def test_letters_and_faces_that_are_held_out_are_not_trained_on():
    held = held_out(0)
    assert not set(held.letters) & set(held.new_letters) and not set(held.faces) & set(held.new_faces)
    assert len(held.new_letters) == 200 and len(held.new_faces) == 2
    pictures = held.pictures(held.faces[:2], held.letters[:3])
    assert np.array_equal(pictures[1, 0], held.glyphs.pictures[held.faces[1], held.letters[0]])
    split = find("cyclegan").data(0)
    plain, heavy = glyphs().face("DejaVuSans"), glyphs().face("DejaVuSans-Bold")

    def letters(pictures: np.ndarray, page: np.ndarray) -> set[int]:
        number = {letter.tobytes(): i for i, letter in enumerate(page)}
        return {number[picture[0].tobytes()] for picture in pictures}

    left, right = letters(split.train["sans"], plain), letters(split.train["bold"], heavy)
    test = letters(split.test["sans"], plain)
    assert test == letters(split.test["bold"], heavy) and len(test) == 200
    assert not left & right and not (left | right) & test


def test_the_scripts_of_new_letters_are_not_trained_on():
    split, new = find("few_shot").data(0), {picture.tobytes() for face in new_pictures() for picture in face}
    trained = {picture.tobytes() for name, page in split.train.items() if "picture" in name for picture in page}
    assert {len(page) for page in split.train.values()} == {20 * 12} and len(split.train) == 2 * 49
    assert not trained & new
    assert new_pictures().shape[1] == sum(script not in ("LATIN", "GREEK") for script in glyphs().scripts)


def test_a_batch_is_five_whole_tasks():
    batches = list(whole_tasks(0, np.random.default_rng(0)))
    assert sorted(map(len, batches)) == [4, *[5] * 9]
    samples = {sample for batch in batches for sample in batch}
    assert samples == {name for name in find("few_shot").diagram().sorts if name.startswith("Sample")}
    letters = find("few_shot").data(0).train["letter"]
    assert all(sorted(letters[rows]) == list(range(20)) for batch in batches for rows in batch.values())


def test_an_episode_in_training_is_twenty_letters_and_five_faces_of_each():
    split, (first, *_) = find("prototypes").data(0), twenty_letters(0, np.random.default_rng(0))
    letter = {picture.tobytes(): i for face in glyphs().pictures for i, picture in enumerate(face)}
    pages = [[picture[0].tobytes() for picture in page[first]] for page in split.train.values()]
    assert len(pages) == 5 and len({letter[picture] for picture in pages[0]}) == 20
    assert all([letter[x] for x in page] == [letter[x] for x in pages[0]] for page in pages)
    # Some letters look the same in two faces.
    own = [face for face in glyphs().pictures.swapaxes(0, 1) if len({x.tobytes() for x in face}) == len(face)]
    distinct = {x.tobytes() for face in own for x in face}
    assert all(len({page[i] for page in pages}) == 5 for i in range(20) if pages[0][i] in distinct)


def test_what_is_asked_for_is_in_other_faces_than_what_is_shown():
    new = {picture.tobytes(): i for face in new_pictures() for i, picture in enumerate(face)}
    for episode in episodes(0, lambda pictures, _: pictures, 3, shots=5, ways=4):
        pictures, answers = shots(episode)
        shown, asked = ([new[x[0].tobytes()] for x in part] for part in (pictures, episode.asked))
        own = shown[::5]
        assert len(set(own)) == 4 and [own[a] for a in answers] == shown
        assert [own[a] for a in episode.answers] == asked
        assert not {x.tobytes() for x in pictures} & {x.tobytes() for x in episode.asked}
        assert nearest(episode, lambda x: np.eye(len(new))[[new[p[0].tobytes()] for p in x]]) == 1


def test_captions_are_right_where_every_word_is_right_given_those_before():
    from learningdiagrams.regimes.captioning import captions

    pytest.importorskip("torch")
    regime, held = find("captioning"), held_out(0)
    rows = {key: value[:100] for key, value in regime.data(0).train.items()}
    compiled = regime.diagram(quick=150).compile("torch", seed=0)
    compiled.fit(rows, **regime.training)
    scores = compiled.apply("(before >> word & picture >> see) >> say", rows).numpy()
    ended = np.cumsum(rows["after"] == 0, 1) - (rows["after"] == 0) > 0
    forced = ((scores.argmax(-1) == rows["after"]) | ended).all(1)
    names = np.repeat(np.array(glyphs().names)[held.letters[:10]], 10)
    assert (np.array(captions(compiled, rows["picture"])) == names).tolist() == forced.tolist()
    assert 0 < forced.mean() < 1
