"""Export of trained networks to formats of other programs, and the folder that the user keeps.

Files are imported by their names: ``predict`` and what it uses do without torch.
"""
