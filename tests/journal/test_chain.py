"""Hashes of rows: sums do not depend on the order, links do."""

from logonscope.journal import chain

ROW = (7, 1, 300, 500, None, 2, 3, None, None, 1, 5000, 0, None, None)


def test_a_sealed_row_and_its_later_end_have_hashes_of_their_own() -> None:
    assert chain.process_hash(ROW) != chain.start_hash(ROW) != chain.end_hash(ROW)
    # what is set later does not change the hash of the start
    running = (*ROW[:9], None, None, None, None, None)
    assert chain.start_hash(ROW) == chain.start_hash(running)
    assert chain.process_hash((*ROW[:8], 1, *ROW[9:])) == chain.process_hash(ROW)


def test_sums_and_links() -> None:
    hashes = [chain.row_hash("change", (number,)) for number in range(50)]
    assert chain.add_hashes(hashes) == chain.add_hashes(reversed(hashes))
    count, total = chain.add_hashes(hashes)
    assert count == 50
    assert chain.unpack_digest(chain.pack_digest(total)) == total
    assert chain.unpack_digest(None) == 0
    link = chain.next_link(chain.FIRST_LINK, 9, count, chain.pack_digest(total))
    assert link != chain.next_link(chain.FIRST_LINK, 10, count, chain.pack_digest(total))
    assert link != chain.next_link(link, 9, count, chain.pack_digest(total))
