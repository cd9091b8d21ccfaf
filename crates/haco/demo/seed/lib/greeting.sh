# greeting NAME: prints one line that greets NAME
greeting() {
	printf 'hello\n'
}
