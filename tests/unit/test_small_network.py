def test_the_small_network_fixture_is_filled(small_network) -> None:
    with small_network.store.reader() as cursor:
        (rows,) = cursor.execute("select count(*) from spans").fetchone()

    assert rows > 500
