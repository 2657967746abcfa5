"""`vswin train`: from videos with labels to a model for every command.

`examples` joins rows and files, `inspection` opens every file and keeps its features, `splits`
assigns clips to splits, `head` fits a head to the features, `learning` trains all weights on clips
that `clips` reads and `augmentation` varies, and `outputs` writes the folder.
"""
