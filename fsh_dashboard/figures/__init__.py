"""Charts: tables in, Altair charts out; no Streamlit, no files."""
