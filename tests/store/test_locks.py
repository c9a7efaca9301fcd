from unittest.mock import Mock

from mf_nas_kd.store.locks import CLAIMS, lock


def test_a_database_without_locks_of_ours_is_not_locked():
    """Of MySQL and others: there, two processes that create one store at the same time are not kept apart."""
    connection = Mock()
    connection.dialect.name = "mysql"
    lock(connection, CLAIMS)
    connection.exec_driver_sql.assert_not_called()
