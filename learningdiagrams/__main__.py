"""`python -m learningdiagrams …` is the command `learningdiagrams …`."""

from learningdiagrams.cli import main

if __name__ == "__main__":
    main()
