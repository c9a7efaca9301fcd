"""The Kedro shell: one folder a pipeline, named as it is run; nodes are adapters, wiring is data.

Pipelines never import each other. What two of them need lies in the library.
"""
