"""Which loans a chunk holds."""

# A chunk: loans above `after`, up to and including `up_to`, of `loan_ids` when given.
IN_CHUNK = """
    {0}.loan_id > %(after)s AND (%(up_to)s::bigint IS NULL OR {0}.loan_id <= %(up_to)s)
    AND (%(loan_ids)s::bigint[] IS NULL OR {0}.loan_id = ANY(%(loan_ids)s::bigint[]))
"""
