"""Recommendation lists of a model, and their filters, reranking, explanations, shelves, questionnaire and taste map."""
