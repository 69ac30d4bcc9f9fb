"""The error codes of JetStream's API that comfyd acts on (`err_code` in its answers)."""

NO_PLACE = 10005
"""Too few servers of the cluster are there, or have room."""

NO_LEADER = 10008
"""A node that knows no leader says so, and may be faster than the leader there is."""

NO_CONSUMER = 10014
NO_MESSAGE = 10037
STORE_FAILED = 10049
"""A folder cannot be made: the server still clears away a deleted stream of that name."""

NO_STREAM = 10059
WRONG_SEQUENCE = 10071
"""The last message of the subject is not the one that the writer expected."""

SINGLE_SERVER = 10074
"""More than one replica was asked for where there is no cluster."""

SUBJECT_FULL = 10077
CONSUMER_EXISTS = 10148
DUPLICATE_IN_FLIGHT = 10158
"""On a cluster: a message with the same id is being stored."""

WRONG_SEQUENCE_IN_FLIGHT = 10164
"""As WRONG_SEQUENCE, on a cluster: against a message that is being stored."""

DUPLICATE_IN_BATCH = 10201
