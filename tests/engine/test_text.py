"""Words to token ids."""

from playground.engine.pocket.text import NULL, PAD, TOKENS, Vocabulary, no_prompt

WORDS = Vocabulary(("<pad>", "<null>", "ghost", "castle", "blue"))


def test_known_words_become_their_ids_in_order() -> None:
    assert WORDS.encode("The blue Ghost, and a CASTLE!").tolist() == [4, 2, 3] + [PAD] * (TOKENS - 3)


def test_unknown_words_are_dropped() -> None:
    assert WORDS.encode("zeppelin ghost").tolist() == WORDS.encode("ghost").tolist()


def test_a_prompt_without_a_known_word_is_no_prompt() -> None:
    assert WORDS.encode("zeppelin").tolist() == no_prompt().tolist() == [NULL] + [PAD] * (TOKENS - 1)


def test_words_past_the_last_token_are_not_read() -> None:
    assert WORDS.encode("ghost " * 12 + "castle").tolist() == [2] * TOKENS


def test_marks_are_no_words() -> None:
    assert WORDS.known_words == {"ghost", "castle", "blue"}
    assert WORDS.encode("<pad> <null> pad null").tolist() == no_prompt().tolist()
