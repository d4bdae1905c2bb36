# Sends one message with Perl's Net::SMTP; prints what it was told as JSON.
#
# Arguments: host, port, sender, file, recipients. Refused recipients are left
# out (SkipBad), as mailing scripts do. WAY: how, as JSON (src/way.rs).

use strict;
use warnings;
use Net::SMTP;
use IO::Socket::SSL;
use Authen::SASL;
use JSON::PP;

my ($host, $port, $sender, $file, @recipients) = @ARGV;
open my $message, '<:raw', $file or die "cannot read $file: $!";
my $content = do { local $/; <$message> };

my $way = decode_json($ENV{WAY});
my @trust = $way->{ca} ? (SSL_ca_file => $way->{ca}) : ();
my $smtp = Net::SMTP->new($host, Port => $port, Hello => 'client.test', Timeout => 30,
    SSL => $way->{tls} eq 'implicit' ? 1 : 0, @trust) or die "no connection: $@";
if ($way->{tls} eq 'starttls') {
    $smtp->starttls(@trust) or die 'no TLS: ' . ($IO::Socket::SSL::SSL_ERROR // $smtp->message);
}
if (my $login = $way->{login}) {
    my $sasl = Authen::SASL->new(mechanism => $login->{mechanism}, callback => {
        user => $login->{user}, pass => $login->{password}, authname => '' });
    unless ($smtp->auth($sasl)) {
        my %told = ('' => $smtp->code . ' ' . join('', $smtp->message));
        print encode_json({ accepted => JSON::PP::false, refused => \%told }), "\n";
        exit;
    }
}
my (%refused, @taken);
if ($smtp->mail($sender)) {
    for my $recipient (@recipients) {
        if ($smtp->recipient($recipient)) {
            push @taken, $recipient;
        } else {
            $refused{$recipient} = $smtp->code . ' ' . join('', $smtp->message);
        }
    }
} else {
    $refused{''} = $smtp->code . ' ' . join('', $smtp->message);
}
my $accepted = 0;
if (@taken) {
    # The lines of the file end with CRLF; datasend makes CRLF of "\n" itself.
    $content =~ s/\r\n/\n/g;
    $accepted = $smtp->data && $smtp->datasend($content) && $smtp->dataend;
    $refused{''} = $smtp->code . ' ' . join('', $smtp->message) unless $accepted;
}
$smtp->quit;
print encode_json({ accepted => $accepted ? JSON::PP::true : JSON::PP::false, refused => \%refused }), "\n";
