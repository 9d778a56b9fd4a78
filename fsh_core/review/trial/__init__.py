"""A reading trial: who reads which case, what was compared, signed and locked.

All of it is one file in the derivatives folder, a line for each thing that happened: ``events``
knows the lines, ``state`` what follows from them, ``file`` reads and adds them. ``assign`` deals
the cases out, ``sign`` signs a reading, ``adjudicate`` compares the readings of a case and
prepares the adjudicator's copy, ``final`` says whose reading of a case is the final one.
"""
