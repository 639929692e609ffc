"""Procedures: BPMN 2.0, made of a sheet's steps or drawn by the town, run by SpiffWorkflow."""
