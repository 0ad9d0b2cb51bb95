"""What people do with predictions: run one and keep its pictures, start from a preset."""
