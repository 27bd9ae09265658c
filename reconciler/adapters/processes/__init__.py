"""The doors to programs: started, watched, guarded, ended."""
