# The figures: each as pdf, png and the numbers in it as csv.
