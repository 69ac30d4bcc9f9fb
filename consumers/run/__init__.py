"""The way of a run on a worker, in the order in which one file calls the next.

render (which machine, and what its errors mean), submit (the claim and the prompt), prepare (what
is put on the machine), follow, outcome. What was rendered is another piece of work: upload.
"""
